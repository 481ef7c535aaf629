'use strict';

const http = require('node:http');

/** Both majors of Express, by the name that tests use. */
const EXPRESS = { express4: require('express4'), express5: require('express') };

/**
 * Starts a server on a free port of the loopback interface and stops it when the test ends.
 * @param {import('node:test').TestContext} context
 * @param {http.RequestListener} listener
 * @returns {Promise<{ port: number, server: http.Server }>}
 */
async function listen(context, listener) {
  const server = http.createServer(listener);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  context.after(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        server.closeAllConnections();
      }),
  );
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { port, server };
}

/**
 * Sends one request on a connection of its own and reads the whole answer. Headers are pairs in the order received.
 * @param {number} port
 * @param {{ method?: string, path?: string, headers?: http.OutgoingHttpHeaders, body?: string | Buffer }} [options]
 * @returns {Promise<{ status: number, headers: Record<string, any>, pairs: [string, string][], body: string }>}
 */
function send(port, { method = 'GET', path = '/', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          pairs: pairsOf(response.rawHeaders),
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/**
 * @param {string[]} raw
 * @returns {[string, string][]}
 */
function pairsOf(raw) {
  /** @type {[string, string][]} */
  const pairs = [];
  for (let index = 0; index < raw.length; index += 2) pairs.push([raw[index].toLowerCase(), raw[index + 1]]);
  return pairs;
}

/**
 * Sends a JSON body.
 * @param {number} port
 * @param {string | Buffer} body
 * @param {{ path?: string, headers?: http.OutgoingHttpHeaders }} [options]
 */
function sendJson(port, body, { path = '/', headers = {} } = {}) {
  return send(port, { method: 'POST', path, body, headers: { 'content-type': 'application/json', ...headers } });
}

module.exports = { EXPRESS, listen, send, sendJson };
