'use strict';

const http = require('node:http');
const { EXPRESS, listen } = require('./servers');

/**
 * What became of a request in an app.
 * @typedef {{ status: number, type?: string, fields: Record<string, unknown>, body: unknown, calls: unknown[][], error?: any }} Outcome
 * @typedef {{ headers: http.OutgoingHttpHeaders, body: Buffer, isChunked?: boolean }} Sample
 */

// What an error tells besides its type: users match on these.
const FIELDS = ['limit', 'length', 'expected', 'received', 'charset', 'encoding'];

/**
 * Apps of both majors of Express, with one route for each middleware, that note what the handlers see. Requests go over
 * connections that are kept.
 * @param {import('node:test').TestContext} context
 * @param {Record<string, (calls: unknown[][]) => any>} middlewares by name; `calls` is where the user's functions among
 *   the options note their calls
 */
async function observe(context, middlewares) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  /** @type {Record<string, number>} */
  const ports = {};
  /** @type {Map<string, Outcome>} */
  const outcomes = new Map();
  for (const [major, express] of Object.entries(EXPRESS)) {
    ports[major] = (await listen(context, observer(/** @type {any} */ (express), middlewares, outcomes))).port;
  }
  context.after(() => agent.destroy());
  let serial = 0;
  /** @param {string} major @param {string} name @param {Sample} sample */
  return async function outcomeOf(major, name, sample) {
    const id = `${(serial += 1)}`;
    await post(agent, ports[major], `/${encodeURIComponent(name)}`, { ...sample.headers, 'x-id': id }, sample);
    const outcome = /** @type {Outcome} */ (outcomes.get(id));
    outcomes.delete(id);
    return outcome;
  };
}

/**
 * @param {any} express
 * @param {Record<string, (calls: unknown[][]) => any>} middlewares
 * @param {Map<string, Outcome>} outcomes
 */
function observer(express, middlewares, outcomes) {
  const app = express();
  for (const [name, create] of Object.entries(middlewares)) {
    /** @type {unknown[][]} */
    const calls = [];
    const middleware = create(calls);
    // Requests of one route run one at a time, so that `calls` are one request's.
    app.use(`/${encodeURIComponent(name)}`, (/** @type {any} */ request, /** @type {any} */ response) => {
      middleware(request, response, (/** @type {any} */ error) => {
        const told = FIELDS.filter((field) => error?.[field] !== undefined);
        const fields = Object.fromEntries(told.map((field) => [field, error[field]]));
        const status = error ? error.status : 200;
        const outcome = { status, type: error?.type, fields, body: request.body, calls: calls.splice(0), error };
        outcomes.set(request.headers['x-id'], outcome);
        response.end();
      });
    });
  }
  return app;
}

/**
 * @param {http.Agent} agent
 * @param {number} port
 * @param {string} path
 * @param {http.OutgoingHttpHeaders} headers
 * @param {Sample} sample
 */
function post(agent, port, path, headers, { body, isChunked }) {
  return new Promise((resolve, reject) => {
    const length = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length };
    const options = { host: '127.0.0.1', port, path, method: 'POST', agent, headers: { ...headers, ...length } };
    const request = http.request(options, (response) => response.resume().on('end', resolve).on('error', reject));
    request.on('error', reject);
    if (isChunked) request.write(body.subarray(0, body.length >> 1));
    request.end(isChunked ? body.subarray(body.length >> 1) : body);
  });
}

/**
 * Whether two parsed values are the same to the last bit: -0 is not 0, and keys come in one order.
 * @param {any} left
 * @param {any} right
 * @returns {boolean}
 */
function isIdentical(left, right) {
  if (typeof left !== 'object' || left === null) return Object.is(left, right);
  if (typeof right !== 'object' || right === null || Array.isArray(left) !== Array.isArray(right)) return false;
  const keys = Object.keys(left);
  const others = Object.keys(right);
  if (keys.length !== others.length || left.length !== right.length) return false;
  return keys.every((key, index) => key === others[index] && isIdentical(left[key], right[key]));
}

module.exports = { isIdentical, observe };
