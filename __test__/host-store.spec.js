'use strict';

const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { chmodSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } = require('node:fs');
const http = require('node:http');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { hostStore, rateLimit } = require('..');
const { EXPRESS, listen, send } = require('./helpers/servers');

const APP = join(__dirname, 'fixtures', 'clustered-app.js');

/**
 * The path of a file in a folder of its own, which is removed when the test ends.
 * @param {import('node:test').TestContext} context
 */
function freshPath(context) {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-spec-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'app.store');
}

/**
 * Starts four processes behind one port.
 * @param {string} path
 * @param {object} options
 */
async function startCluster(path, options) {
  const app = fork(APP, [path, JSON.stringify(options)]);
  const [{ port }] = /** @type {[{ port: number }]} */ (await once(app, 'message'));
  return {
    port,
    async stop() {
      app.kill('SIGKILL');
      await once(app, 'exit');
    },
  };
}

/**
 * @param {number} port
 * @param {http.Agent} agent
 * @returns {Promise<{ status: number | undefined, body: string }>}
 */
function get(port, agent) {
  return new Promise((done, fail) => {
    const request = http.get({ host: '127.0.0.1', port, agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part) => (body += part));
      response.on('end', () => done({ status: response.statusCode, body }));
    });
    request.on('error', fail);
  });
}

describe('hostStore', { skip: process.platform === 'win32' && 'needs Linux or macOS' }, () => {
  it('lets exactly the limit of 1,000 requests pass that four processes get at once (S-16)', async (context) => {
    const cluster = await startCluster(freshPath(context), { limit: 5 });
    context.after(() => cluster.stop());
    const agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
    context.after(() => agent.destroy());
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => get(cluster.port, agent)));
    const passed = answers.filter(({ status }) => status === 200);
    assert.equal(passed.length, 5);
    assert.equal(answers.filter(({ status }) => status === 429).length, 995);
  });

  it('still denies after all processes were killed and started again', async (context) => {
    const path = freshPath(context);
    const first = await startCluster(path, { limit: 2 });
    const before = [await send(first.port), await send(first.port), await send(first.port)];
    assert.deepEqual(
      before.map(({ status }) => status),
      [200, 200, 429],
    );
    await first.stop();
    const second = await startCluster(path, { limit: 2 });
    context.after(() => second.stop());
    assert.equal((await send(second.port)).status, 429);
  });

  for (const [name, express] of Object.entries(EXPRESS)) {
    it(`counts by the clock of the system, in ${name}`, async (context) => {
      context.mock.timers.enable({ apis: ['Date'], now: 1_000 });
      const app = express();
      app.use(rateLimit({ limit: 2, store: hostStore({ path: freshPath(context) }) }));
      app.get('/', (/** @type {any} */ request, /** @type {any} */ response) => response.json(request.rateLimit));
      const { port } = await listen(context, app);
      const info = JSON.parse((await send(port)).body);
      assert.ok(Date.parse(info.resetTime) > Date.parse('2026-01-01'));
      assert.equal(info.used, 1);
    });
  }

  it('counts for several policies at once, takes hits back, and answers questions', async (context) => {
    const path = freshPath(context);
    const policies = [
      { name: 'narrow', limit: 2, windowMs: 60_000 },
      { name: 'wide', limit: 10, windowMs: 60_000, algorithm: /** @type {const} */ ('gcra') },
    ];
    const make = () => rateLimit({ policies, skipFailedRequests: true, store: hostStore({ path, maxKeys: 100 }) });
    const limiters = [make(), make()];
    const ports = [];
    for (const limiter of limiters) {
      const app = EXPRESS.express5();
      app.use(limiter);
      app.get('/', (/** @type {any} */ _request, /** @type {any} */ response) => response.send('good'));
      ports.push((await listen(context, app)).port);
    }
    const statuses = [];
    // The second of these fails with 404 and is taken back; the last but one is denied and counts for nothing.
    for (const [process, target] of [
      [0, '/'],
      [1, '/none'],
      [1, '/'],
      [0, '/'],
      [1, '/'],
    ]) {
      statuses.push((await send(ports[Number(process)], { path: String(target) })).status);
    }
    assert.deepEqual(statuses, [200, 404, 200, 429, 429]);
    const [one, other] = limiters;
    const used = async () => (await other.getKey('127.0.0.1'))?.policies.map((policy) => policy.used);
    assert.deepEqual(await used(), [2, 2]);
    one.penalty('127.0.0.1', 3, 'wide');
    assert.deepEqual(await used(), [2, 5]);
    one.resetKey('127.0.0.1', 'narrow');
    assert.equal((await send(ports[1])).status, 200);
    one.block('127.0.0.1', 60_000);
    assert.equal((await send(ports[1])).status, 429);
    one.resetAll();
    assert.equal(await used(), undefined);
  });

  it('remembers failed logins for all processes', async (context) => {
    const path = freshPath(context);
    const ports = [];
    for (let process = 0; process < 2; process += 1) {
      const app = EXPRESS.express4();
      const limiter = rateLimit.login({ limit: 3, account: () => 'alice', store: hostStore({ path, maxKeys: 100 }) });
      app.post('/login', limiter, (/** @type {any} */ _request, /** @type {any} */ response) =>
        response.sendStatus(401),
      );
      ports.push((await listen(context, app)).port);
    }
    const statuses = [];
    for (const index of [0, 1, 0, 1, 0]) {
      statuses.push((await send(ports[index], { method: 'POST', path: '/login' })).status);
    }
    assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
  });

  it('makes a file of 64 bytes a key, for the user alone', (context) => {
    const path = freshPath(context);
    const store = hostStore({ path });
    assert.deepEqual({ ...store }, { path });
    const { size, mode } = statSync(path);
    assert.equal(size, 16 * 1024 * 1024 + 4096);
    assert.equal(mode & 0o777, 0o600);
    hostStore({ path: `${path}2`, maxKeys: 1_000 });
    assert.equal(statSync(`${path}2`).size, 64_000 + 4096);
  });

  it('has a file for each user and working directory unless told otherwise', (context) => {
    const folder = join(freshPath(context), '..');
    const before = process.env.XDG_RUNTIME_DIR;
    process.env.XDG_RUNTIME_DIR = folder;
    context.after(() => {
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR;
      else process.env.XDG_RUNTIME_DIR = before;
    });
    const { path } = hostStore({ maxKeys: 100 });
    assert.match(path, /\/carapace\/[0-9a-f]{16}\.store$/);
    assert.ok(path.startsWith(folder));
    assert.equal(hostStore({ maxKeys: 100 }).path, path);
    assert.equal(statSync(join(folder, 'carapace')).mode & 0o777, 0o700);
  });

  it('tells when it had to make the file anew', (context) => {
    const path = freshPath(context);
    /** @type {any[]} */
    const events = [];
    const open = (maxKeys = 100) => hostStore({ path, maxKeys, onEvent: (event) => events.push(event) });
    open();
    open();
    assert.deepEqual(events, []);
    truncateSync(path, 5_000);
    open();
    open(200);
    assert.deepEqual(
      events.map(({ type, stem, rule, action }) => [type, stem, rule, action]),
      [
        ['host-store.replaced', 'host-store', 'length', 'recreate'],
        ['host-store.replaced', 'host-store', 'capacity', 'recreate'],
      ],
    );
  });

  it('follows a file that took the place of its own, and tells so', async (context) => {
    const path = freshPath(context);
    /** @type {string[]} */
    const types = [];
    const store = hostStore({ path, maxKeys: 100, onEvent: ({ type }) => types.push(type) });
    const app = EXPRESS.express5();
    app.use(rateLimit({ limit: 9, store }));
    app.get('/', (/** @type {any} */ request, /** @type {any} */ response) => response.json(request.rateLimit));
    const { port } = await listen(context, app);
    hostStore({ path, maxKeys: 200 });
    // The first hit is also the first look at the path.
    assert.equal(JSON.parse((await send(port)).body).used, 1);
    assert.deepEqual(types, ['host-store.followed']);
  });

  it('refuses a file that others can read, and sets aside one that is no store', (context) => {
    const path = freshPath(context);
    hostStore({ path, maxKeys: 100 });
    chmodSync(path, 0o644);
    assert.throws(() => hostStore({ path, maxKeys: 100 }), {
      code: 'ERR_CARAPACE_STORE_FILE',
      path: 'hostStore.path',
      message: /mode must be 0600/,
    });
    writeFileSync(`${path}2`, 'a letter', { mode: 0o600 });
    hostStore({ path: `${path}2`, maxKeys: 100 });
    assert.equal(statSync(`${path}2.set-aside-0`).size, 8);
  });

  const REFUSED = /** @type {[string, any, string][]} */ ([
    ['hostStore.path', { path: '' }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['hostStore.path', { path: 'a\0b' }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['hostStore.path', { path: 5 }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['hostStore.maxKeys', { maxKeys: 0 }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['hostStore.maxKeys', { maxKeys: 1.5 }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['hostStore.maxKeys', { maxKeys: Infinity }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['hostStore.maxKey', { maxKey: 1 }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['hostStore.onEvent', { onEvent: 1 }, 'ERR_CARAPACE_OPTION_TYPE'],
  ]);
  for (const [path, options, code] of REFUSED) {
    it(`throws ${code} for ${JSON.stringify(options)}`, (context) => {
      assert.throws(() => hostStore({ path: freshPath(context), ...options }), { code, path });
    });
  }

  it('goes to limiters as their store, each with a name of its own', (context) => {
    const store = hostStore({ path: freshPath(context), maxKeys: 100 });
    const bad = /** @type {[any, string, string][]} */ ([
      [{ store: {} }, 'ERR_CARAPACE_OPTION_TYPE', 'rateLimit.store'],
      [{ store: 'host' }, 'ERR_CARAPACE_OPTION_VALUE', 'rateLimit.store'],
      [{ store, maxKeys: 5 }, 'ERR_CARAPACE_OPTION_CONFLICT', 'rateLimit.maxKeys'],
      [{ store, storeTimeoutMs: 5 }, 'ERR_CARAPACE_OPTION_CONFLICT', 'rateLimit.storeTimeoutMs'],
    ]);
    for (const [options, code, path] of bad) {
      assert.throws(() => rateLimit({ limit: 1, ...options }), { code, path });
    }
    rateLimit({ limit: 1, store });
    rateLimit({ limit: 1, store, name: 'login' });
    assert.throws(() => rateLimit({ limit: 1, store }), {
      code: 'ERR_CARAPACE_OPTION_CONFLICT',
      path: 'rateLimit.name',
    });
  });
});
