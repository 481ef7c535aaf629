'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, it } = require('node:test');
const { hasCurl, startExample, tryReadme } = require('./helpers/example-process');
const { hasRedis, startRedis } = require('./helpers/redis/server');
const { send, sendJson } = require('./helpers/servers');

const APP = 'api-with-login/app.js';
const RIGHT = JSON.stringify({ email: 'alice@example.com', password: 'correct horse battery staple' });
const WRONG = JSON.stringify({ email: 'alice@example.com', password: '123456' });

/** @param {number} port @param {string} body */
const login = (port, body) => sendJson(port, body, { path: '/login' });

describe('the example of an API with a login', () => {
  it('does what its README says', { skip: !hasCurl() && 'curl is missing' }, async (context) => {
    const { port } = await startExample(context, APP);
    const tried = tryReadme('api-with-login', port);
    assert.equal(tried.length, 5);
    for (const { command, wanted, got } of tried) assert.match(got, wanted, command);
  });

  it('gives a token that opens, and none that is forged', async (context) => {
    const { port } = await startExample(context, APP);
    const { token } = JSON.parse((await login(port, RIGHT)).body);
    const note = async (/** @type {string} */ authorization) =>
      (await sendJson(port, '{"text":"milk"}', { path: '/notes', headers: { authorization } })).status;
    assert.equal(await note(`Bearer ${token}`), 201);
    const claim = Buffer.from('{"email":"bob@example.com","until":9e15}').toString('base64url');
    for (const forged of [`${claim}.${token.split('.')[1]}`, `${token}x`, claim, `${claim}.`, '']) {
      assert.equal(await note(`Bearer ${forged}`), 401, forged);
    }
  });

  it('denies the fourth guess for an account, of parallel ones too, and tells when to come again', async (context) => {
    const { port } = await startExample(context, APP);
    const guesses = await Promise.all(Array.from({ length: 10 }, () => login(port, WRONG)));
    const statuses = guesses.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [...Array(3).fill(401), ...Array(7).fill(429)]);
    assert.equal((await login(port, RIGHT)).headers['retry-after'], '60');
    const other = JSON.stringify({ email: 'carol@example.com', password: 'x' });
    assert.equal((await login(port, other)).status, 401);
  });

  it('answers what has no route, and what is no JSON, in one shape', async (context) => {
    const { port } = await startExample(context, APP);
    for (const [answer, status] of /** @type {const} */ ([
      [await send(port, { path: '/nowhere' }), 404],
      [await login(port, '{"email":'), 400],
      [await login(port, JSON.stringify({ email: 'a'.repeat(1100) })), 413],
    ])) {
      assert.equal(answer.status, status);
      assert.match(answer.headers['content-type'], /^application\/problem\+json/);
      assert.equal(JSON.parse(answer.body).status, status);
    }
  });

  it('answers the request that is under way when it is stopped', async (context) => {
    const { port, child, said, ended } = await startExample(context, APP);
    const headers = { 'content-type': 'application/json', 'content-length': RIGHT.length, expect: '100-continue' };
    const request = http.request({ host: '127.0.0.1', port, method: 'POST', path: '/login', headers });
    const answered = new Promise((resolve, reject) => request.on('response', resolve).on('error', reject));
    const asked = new Promise((resolve) => request.on('continue', () => resolve(undefined)));
    request.flushHeaders();
    await asked;
    child.kill('SIGTERM');
    await said(/stopping/);
    request.end(RIGHT);
    const answer = await answered;
    answer.resume();
    assert.equal(answer.statusCode, 200);
    assert.equal(await ended, 0);
  });

  describe('with Redis', { skip: !hasRedis() && 'redis-server is missing' }, () => {
    it('counts guesses of all instances together, and goes on when Redis is gone', async (context) => {
      const redis = await startRedis();
      context.after(() => redis.stop());
      const environment = { REDIS_URL: redis.url, INSTANCES: '2', SECRET: 'the same secret everywhere' };
      const one = await startExample(context, APP, environment);
      const other = await startExample(context, APP, environment);
      assert.match(one.output(), /counts are kept in Redis/);
      const statuses = [];
      for (const { port } of [one, other, one, other]) statuses.push((await login(port, WRONG)).status);
      assert.deepEqual(statuses, [401, 401, 401, 429]);
      assert.equal((await login(one.port, RIGHT)).status, 429);
      await redis.kill();
      assert.equal((await login(other.port, RIGHT)).status, 429);
      assert.equal((await send(one.port, { path: '/nowhere' })).status, 404);
      assert.match((await send(one.port, { path: '/nowhere' })).headers['ratelimit-policy'], /"api"/);
    });
  });
});
