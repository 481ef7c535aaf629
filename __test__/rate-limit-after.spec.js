'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { it } = require('node:test');
const { rateLimit } = require('..');
const { onEachExpress, settled, stopClock } = require('./helpers/limited');

const FIXED = /** @type {const} */ ({ algorithm: 'fixed-window' });
const withStatus = (/** @type {number} */ status) => ({ headers: { 'x-status': `${status}` } });

onEachExpress('after the response rateLimit', ({ serve }) => {
  /** @param {any} limiter */
  const used = (limiter) => limiter.getKey('127.0.0.1')?.used ?? 0;

  for (const algorithm of /** @type {const} */ (['fixed-window', 'sliding-window', 'gcra'])) {
    it(`gives back what succeeded, or what failed, with ${algorithm}`, async (context) => {
      stopClock(context);
      const failuresOnly = rateLimit({ limit: 5, algorithm, skipSuccessfulRequests: true });
      const failing = await serve(context, failuresOnly);
      await failing.statuses(3);
      await failing.statuses(2, withStatus(401));
      await settled();
      assert.equal(used(failuresOnly), 2);
      const successesOnly = rateLimit({ limit: 5, algorithm, skipFailedRequests: true });
      const succeeding = await serve(context, successesOnly);
      await succeeding.statuses(3);
      await succeeding.statuses(2, withStatus(500));
      await settled();
      assert.equal(used(successesOnly), 3);
    });
  }

  it('gives back exactly the cost', async (context) => {
    const limiter = rateLimit({ limit: 50, cost: () => 7, skipFailedRequests: true });
    const { statuses } = await serve(context, limiter);
    await statuses(1);
    await statuses(3, withStatus(404));
    await settled();
    assert.equal(used(limiter), 7);
  });

  it('asks what success is, at once or later', async (context) => {
    for (const verdict of [false, Promise.resolve(false)]) {
      const limiter = rateLimit({ limit: 5, skipFailedRequests: true, requestWasSuccessful: () => verdict });
      await (await serve(context, limiter)).statuses(2);
      await settled();
      assert.equal(used(limiter), 0);
    }
  });

  it('keeps what is counted, and the process alive, when that question fails', async (context) => {
    const fails = () => {
      throw new Error('no');
    };
    for (const requestWasSuccessful of [fails, async () => fails()]) {
      /** @type {string[]} */
      const events = [];
      const onEvent = (/** @type {any} */ event) => events.push(event.type);
      const limiter = rateLimit({ limit: 5, skipFailedRequests: true, requestWasSuccessful, onEvent });
      assert.deepEqual(await (await serve(context, limiter)).statuses(1), [200]);
      await settled();
      assert.deepEqual([used(limiter), events], [1, ['rate-limit.correction-failed']]);
    }
  });

  it('gives nothing back into a later window S-13', async (context) => {
    const tick = stopClock(context);
    /** @type {any} */
    let held;
    const limiter = rateLimit({ limit: 5, windowMs: 1_000, ...FIXED, skipFailedRequests: true });
    const hold = (/** @type {any} */ request, /** @type {any} */ response, /** @type {any} */ next) =>
      request.headers['x-hold'] ? (held = response) : next();
    const { ask, statuses } = await serve(context, [limiter, hold]);
    const first = ask({ headers: { 'x-hold': '1' } });
    while (held === undefined) await new Promise(setImmediate);
    tick(1_000);
    await statuses(2);
    held.status(500).end();
    assert.equal((await first).status, 500);
    await settled();
    assert.equal(used(limiter), 2);
    tick(1_000);
    assert.equal(limiter.getKey('127.0.0.1'), undefined);
  });

  it('counts a client that goes away as failed', async (context) => {
    const limiter = rateLimit({ limit: 5, skipFailedRequests: true });
    let arrived = () => {};
    const arrival = new Promise((resolve) => (arrived = () => resolve(undefined)));
    /** @type {any} */
    let response;
    const hang = (/** @type {any} */ _request, /** @type {any} */ given) => {
      response = given;
      arrived();
    };
    const { port } = await serve(context, [limiter, hang]);
    const request = http.get({ port, host: '127.0.0.1', agent: false });
    request.on('error', () => {});
    await arrival;
    assert.equal(used(limiter), 1);
    const closed = new Promise((resolve) => response.once('close', resolve));
    request.destroy();
    await closed;
    await settled();
    assert.equal(used(limiter), 0);
  });

  it('does not give back what a sliding window did not count', async (context) => {
    stopClock(context);
    const limiter = rateLimit({ limit: 2, skipFailedRequests: true });
    const { statuses } = await serve(context, limiter);
    assert.deepEqual(await statuses(5), [200, 200, 429, 429, 429]);
    await settled();
    assert.equal(used(limiter), 2);
  });

  it('gives back what a fixed window counted of a denial, so that it fails no longer than its cause', async (context) => {
    stopClock(context);
    const limiter = rateLimit({ limit: 2, ...FIXED, skipFailedRequests: true });
    const { statuses } = await serve(context, limiter);
    assert.deepEqual(await statuses(4), [200, 200, 429, 429]);
    await settled();
    assert.equal(used(limiter), 2);
  });

  it('charges what a request has cost in the end', async (context) => {
    stopClock(context);
    const adjust = (/** @type {any} */ request) =>
      request.headers['x-worth'] ? Number(request.headers['x-worth']) : undefined;
    for (const given of [adjust, async (/** @type {any} */ request) => adjust(request)]) {
      const limiter = rateLimit({ limit: 100, cost: 10, adjust: given });
      const { statuses } = await serve(context, limiter);
      const total = [];
      for (const worth of ['25', '3', '0', '10', '']) {
        await statuses(1, { headers: { 'x-worth': worth } });
        await settled();
        total.push(used(limiter));
      }
      assert.deepEqual(total, [25, 28, 28, 38, 48]);
    }
  });
});
