'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { createGuideServer } = require('./fixtures/guide-server');
const { hasRedis, startRedis } = require('./helpers/redis-server');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

/** The package, and what takes its place. */
const peer = (name) => require(name);
const dropIn = (name) => require(`carapace/${name}`);

const ORIGIN = 'https://app.example';
const VOLATILE = new Set(['date', 'etag', 'content-length']);
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** Sends a day's requests and notes the answers; what is fresh in each is left out. */
async function visit(port) {
  const notes = [];
  const note = ({ status, pairs, body }) =>
    notes.push([
      status,
      pairs
        .filter(([name]) => !VOLATILE.has(name))
        .map(([name, value]) => [name, value.replace(/'nonce-[^']+'/, 'NONCE')]),
      body,
    ]);
  const login = (email, password) => sendJson(port, JSON.stringify({ email, password }), { path: '/login' });
  note(await send(port, { path: '/search?sort=a&sort=b&tags=x&tags=y&$where=1' }));
  note(await send(port, { path: '/search', headers: { origin: ORIGIN } }));
  note(await send(port, { path: '/search', headers: { origin: 'https://evil.example' } }));
  const preflight = { origin: ORIGIN, 'access-control-request-method': 'POST' };
  note(await send(port, { method: 'OPTIONS', path: '/things', headers: preflight }));
  note(await sendJson(port, '{"email":{"$gt":""},"a.b":1}', { path: '/things' }));
  note(await send(port, { method: 'POST', path: '/things', body: 'a=1&a=2&tags=x&tags=y', headers: FORM }));
  note(await send(port, { method: 'POST', path: '/things', body: 'a&b&c&d&e&f', headers: FORM }));
  note(await sendJson(port, '{"broken":', { path: '/things' }));
  note(await sendJson(port, JSON.stringify({ long: 'x'.repeat(2_000) }), { path: '/things' }));
  for (const password of ['right', 'right', 'right', 'wrong', 'wrong', 'wrong', 'right']) {
    note(await login('a@x', password));
  }
  note(await login('b@x', 'wrong'));
  for (let count = 0; count < 7; count += 1) {
    note(await send(port, { path: '/api/things', headers: { 'x-forwarded-for': '9.9.9.9' } }));
  }
  note(await send(port, { path: '/api/things', headers: { 'x-forwarded-for': '8.8.8.8' } }));
  return notes;
}

const statusesOf = (notes) => notes.map(([status]) => status);
const STATUSES = [
  ...[200, 200, 200, 204, 200, 200, 413, 400, 413],
  ...[200, 200, 200, 401, 401, 429, 429, 401],
  ...[200, 200, 200, 200, 200, 200, 429, 200],
];

describe('a server as the guides set theirs up', { skip: !hasRedis && 'no redis-server here' }, () => {
  it('answers on the drop-ins as on the packages', async (context) => {
    const client = await startRedis(context);
    const all = [];
    for (const [prefix, load] of Object.entries({ peers: peer, ours: dropIn })) {
      const app = createGuideServer(load, {
        express: EXPRESS.express4,
        sendCommand: (...parts) => client.call(...parts),
        prefix,
      });
      const { port } = await listen(context, app);
      all.push(await visit(port));
    }
    assert.deepEqual(statusesOf(all[1]), STATUSES);
    for (const [index, expected] of all[0].entries()) {
      assert.deepEqual(withoutCors(all[1][index]), withoutCors(expected), index);
    }
  });

  it('runs on Express 5 too, where express-mongo-sanitize and hpp fail', async (context) => {
    const client = await startRedis(context);
    const app = createGuideServer(dropIn, {
      express: EXPRESS.express5,
      sendCommand: (...parts) => client.call(...parts),
      prefix: 'ours',
    });
    const { port } = await listen(context, app);
    const notes = await visit(port);
    assert.deepEqual(statusesOf(notes), STATUSES);
    assert.deepEqual(JSON.parse(notes[0][2]), {
      query: { sort: 'b', tags: ['x', 'y'], _where: '1' },
      polluted: { sort: ['a', 'b'] },
    });
    assert.deepEqual(JSON.parse(notes[4][2]).body, { email: { _gt: '' }, a_b: 1 });
  });
});

/** What a drop-in for cors does otherwise on purpose is its own suite's matter: fields of denied origins. */
function withoutCors([status, pairs, body]) {
  return [status, pairs.filter(([name]) => !name.startsWith('access-control-') && name !== 'vary'), body];
}
