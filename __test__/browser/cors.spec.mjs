// What pages of other origins can and cannot read.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import express from 'express';
import carapace from 'carapace';
import { blank, fetchFrom, launch, open, serve } from './chromium.mjs';

const { cors, errorHandler, json, rateLimit, securityHeaders } = carapace;

describe('a page of another origin', () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  /** An API that one origin may read, behind a limit of three; counts preflights. */
  async function serveApi(test, { origin, maxAge = 600, limit = 3, isLimitFirst = false }) {
    const seen = { preflights: 0, requests: 0 };
    const app = express();
    app.use((request, _response, next) => {
      if (request.method === 'OPTIONS') seen.preflights += 1;
      else seen.requests += 1;
      next();
    });
    app.use(securityHeaders({ preset: 'api', crossOriginResourcePolicy: false }));
    const parts = [
      cors({ origin, credentials: true, maxAge, exposedHeaders: ['RateLimit', 'Retry-After'] }),
      rateLimit({ limit, windowMs: 60_000 }),
    ];
    app.use(isLimitFirst ? parts.reverse() : parts);
    app.use(json({ action: 'reject' }));
    app.get('/throw', () => {
      throw new Error('secret');
    });
    app.all('/', (_request, response) => response.json({ ok: true }));
    app.use(errorHandler.notFound(), errorHandler());
    return { api: (await serve(test, app)).local, seen };
  }

  it('that is allowed reads the body of a 429, and when to come again', async (test) => {
    const { local: origin } = await serve(test, blank);
    const { api } = await serveApi(test, { origin });
    const page = await open(test, browser, origin);
    for (let count = 0; count < 3; count += 1) assert.equal((await fetchFrom(page, api)).status, 200);
    const { status, body, headers } = await fetchFrom(page, api);
    assert.equal(status, 429);
    assert.equal(JSON.parse(body).code, 'ERR_CARAPACE_RATE_LIMITED');
    assert.ok(Number(headers['retry-after']) > 0 && headers.ratelimit !== undefined);
  });

  it('that is allowed reads nothing of a 429 when the limit comes before cors()', async (test) => {
    const { local: origin } = await serve(test, blank);
    const { api } = await serveApi(test, { origin, limit: 1, isLimitFirst: true });
    const page = await open(test, browser, origin);
    assert.equal((await fetchFrom(page, api)).status, 200);
    assert.deepEqual(await fetchFrom(page, api), { failed: 'TypeError' });
  });

  it('that is denied reads neither answers nor refusals', async (test) => {
    const { local: origin, address: other } = await serve(test, blank);
    const { api, seen } = await serveApi(test, { origin, limit: 1 });
    const page = await open(test, browser, other);
    for (let count = 0; count < 3; count += 1) assert.deepEqual(await fetchFrom(page, api), { failed: 'TypeError' });
    assert.equal(seen.requests, 3);
    // What it would have to ask for first, it does not get to send.
    assert.deepEqual(await fetchFrom(page, api, { method: 'DELETE' }), { failed: 'TypeError' });
    assert.deepEqual(seen, { requests: 3, preflights: 1 });
  });

  it('that is allowed reads errors of the app, refused bodies and what is not there', async (test) => {
    const { local: origin } = await serve(test, blank);
    const { api } = await serveApi(test, { origin, limit: 100 });
    const page = await open(test, browser, origin);
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":{"$ne":1}}' };
    const answers = [
      await fetchFrom(page, `${api}/throw`),
      await fetchFrom(page, `${api}/none`),
      await fetchFrom(page, api, post),
      await fetchFrom(page, api, { ...post, body: '{"a":' }),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [500, 404, 400, 400],
    );
    for (const { status, body } of answers) assert.equal(JSON.parse(body).status, status);
    assert.ok(!answers[0].body.includes('secret'));
  });

  it('asks once for what it may do, and again when the answer is not to be kept', async (test) => {
    const { local: origin } = await serve(test, blank);
    const put = { method: 'PUT', headers: { 'x-token': '1' } };
    for (const [maxAge, preflights] of [
      [600, 1],
      [0, 3],
    ]) {
      const { api, seen } = await serveApi(test, { origin, maxAge, limit: 100 });
      const page = await open(test, browser, origin);
      for (let count = 0; count < 3; count += 1) assert.equal((await fetchFrom(page, api, put)).status, 200);
      assert.deepEqual(seen, { requests: 3, preflights });
    }
  });

  it('does not use up its limit with preflights', async (test) => {
    const { local: origin } = await serve(test, blank);
    const { api } = await serveApi(test, { origin, maxAge: 0, limit: 3 });
    const page = await open(test, browser, origin);
    for (let count = 0; count < 3; count += 1) {
      assert.equal((await fetchFrom(page, api, { method: 'PUT' })).status, 200);
    }
    assert.equal((await fetchFrom(page, api, { method: 'PUT' })).status, 429);
  });
});
