'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { hasCurl, startExample, tryReadme } = require('./helpers/example-process');
const { send } = require('./helpers/servers');

const APP = 'pages-with-nonces/app.js';

/** @param {number} port @param {string} body @param {Record<string, string>} [headers] */
function write(port, body, headers = {}) {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return send(port, { method: 'POST', path: '/entries', body, headers: { ...type, ...headers } });
}

describe('the example of pages with nonces', () => {
  it('does what its README says', { skip: !hasCurl() && 'curl is missing' }, async (context) => {
    const { port } = await startExample(context, APP);
    const tried = tryReadme('pages-with-nonces', port);
    assert.equal(tried.length, 6);
    for (const { command, wanted, got } of tried) assert.match(got, wanted, command);
  });

  it('gives each page a nonce of its own, the one of its policy', async (context) => {
    const { port } = await startExample(context, APP);
    const nonces = new Set();
    for (let count = 0; count < 3; count += 1) {
      const { headers, body } = await send(port);
      const policy = headers['content-security-policy'];
      const [, nonce] = /script-src 'self' 'nonce-([\w+/]{24})'/.exec(policy) ?? [];
      assert.ok(nonce, policy);
      const scripts = [...body.matchAll(/<(?:script|style)([^>]*)>/g)].map(([, attributes]) => attributes);
      assert.deepEqual(scripts, [` nonce="${nonce}"`, ` nonce="${nonce}"`]);
      assert.equal(headers['cache-control'], 'private, no-cache');
      assert.equal(headers['x-powered-by'], undefined);
      nonces.add(nonce);
    }
    assert.equal(nonces.size, 3);
  });

  it('gives each cookie the flags of its policy', async (context) => {
    const { port } = await startExample(context, APP);
    assert.deepEqual((await send(port)).headers['set-cookie'], ['theme=light; Path=/; SameSite=Lax']);
    const [session] = (await write(port, 'name=Ann&text=hello')).headers['set-cookie'];
    assert.match(session, /^session=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/);
    const { headers, body } = await send(port, { headers: { cookie: `theme=light; ${session.split(';')[0]}` } });
    assert.equal(headers['set-cookie'], undefined);
    assert.match(body, /<input name="name" value="Ann"/);
  });

  it('takes one value of each field, without the keys that attack', async (context) => {
    const { port } = await startExample(context, APP);
    assert.equal((await write(port, 'name=Ann&name=Eve&text=%3Cb%3E&%24where=1&__proto__[a]=1')).status, 303);
    assert.match((await send(port)).body, /<li>Eve: &lt;b&gt;<\/li>/);
    assert.equal((await write(port, `name=Ann&text=${'a'.repeat(5000)}`)).status, 413);
    assert.equal((await write(port, 'name[$ne]=&text=hello')).status, 400);
  });
});
