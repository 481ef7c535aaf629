// What each consumer does with the package: a hardened server that counts, cleans and refuses. Prints "ok", or ends with 1.
const http = require('node:http');
const assert = require('node:assert/strict');

/** @param {any} carapace the package's main export */
module.exports = async function check(carapace) {
  const shield = carapace({ rateLimit: { limit: 2 } });
  const server = http.createServer((request, response) =>
    shield(request, response, () => response.end(JSON.stringify(request.body ?? null))),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}/`;
  const post = () =>
    fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":{"$gt":""},"b":1}' });
  try {
    const first = await post();
    assert.equal(first.status, 200);
    assert.ok(first.headers.get('content-security-policy'));
    assert.deepEqual(await first.json(), { a: {}, b: 1 });
    assert.equal((await post()).status, 200);
    assert.equal((await post()).status, 429);
  } finally {
    server.close();
    server.closeAllConnections?.();
  }
  console.log('ok');
};
