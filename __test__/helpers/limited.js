'use strict';

const { mock } = require('node:test');
const { EXPRESS, listen, send } = require('./servers');

/** @typedef {Awaited<ReturnType<typeof send>>} Answer */

/**
 * Runs the tests of a group on both majors of Express.
 * @param {string} title
 * @param {(kit: { serve: ReturnType<typeof server> }, name: string) => void} define
 */
function onEachExpress(title, define) {
  const { describe } = require('node:test');
  for (const [name, express] of Object.entries(EXPRESS)) {
    describe(`${title} on ${name}`, () => define({ serve: server(/** @type {any} */ (express)) }, name));
  }
}

/** @param {() => any} express */
function server(express) {
  /**
   * An app with middlewares in front of a handler, which answers with the status that the header `x-status` asks for and
   * with `request.rateLimit`.
   * @param {import('node:test').TestContext} context
   * @param {any | any[]} middlewares
   * @param {(app: any) => void} [prepare]
   */
  return async function serve(context, middlewares, prepare) {
    const app = express();
    prepare?.(app);
    app.use(...[middlewares].flat());
    app.use((/** @type {any} */ request, /** @type {any} */ response) => {
      response.status(Number(request.headers['x-status'] ?? 200)).json(request.rateLimit ?? null);
    });
    app.use(
      (/** @type {any} */ error, /** @type {any} */ _request, /** @type {any} */ response, /** @type {any} */ _next) =>
        response.status(error.status ?? 500).json({ caught: error.code, type: error.type }),
    );
    const { port } = await listen(context, app);
    /** @param {Parameters<typeof send>[1]} [options] */
    const ask = (options) => send(port, options);
    /** @param {number} times @param {Parameters<typeof send>[1]} [options] */
    const statuses = async (times, options) => {
      const all = [];
      for (let count = 0; count < times; count += 1) all.push((await ask(options)).status);
      return all;
    };
    return { ask, statuses, port };
  };
}

/**
 * Stops the clock at a whole second until the test ends.
 * @param {import('node:test').TestContext} context
 * @param {number} [now]
 */
function stopClock(context, now = 1_800_000_000_000) {
  mock.timers.enable({ apis: ['Date'], now });
  context.after(() => mock.timers.reset());
  return (/** @type {number} */ ms) => mock.timers.tick(ms);
}

/** Waits until what follows a response has run. */
function settled() {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

module.exports = { onEachExpress, settled, stopClock };
