'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

const root = join(__dirname, '..');

/**
 * The package's files and Node's own modules that a program loads in a process of its own.
 * @param {string} program
 * @param {{ isModule?: boolean }} [how]
 * @returns {{ files: string[], builtins: string[], result: any }} `result` is what the program left in a global of this name
 */
function load(program, { isModule = false } = {}) {
  const tell = `
    const { cache, builtins } = globalThis.before;
    const files = Object.keys(cache).filter((file) => file.startsWith(${JSON.stringify(root)}));
    const loaded = process.moduleLoadList.filter((name) => !builtins.has(name));
    const { builtinModules } = require('node:module');
    const names = loaded.map((name) => name.replace(/^\\w+ /, '')).filter((name) => builtinModules.includes(name));
    process._rawDebug(JSON.stringify({ files, builtins: names, result: globalThis.result }));
    process.exit();`;
  const remember = `globalThis.before = { cache: require.cache, builtins: new Set(process.moduleLoadList) };`;
  const [first, rest] = isModule
    ? [`import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); ${remember}`, '']
    : [remember, program];
  const text = isModule
    ? `${first}\nawait import('carapace').then(({ ...carapace }) => { ${program} });`
    : `${first}\n${rest}`;
  const args = [...(isModule ? ['--input-type=module'] : []), '--eval', `${text}\n${tell}`];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const { files, ...more } = JSON.parse(/** @type {string} */ (stderr.trim().split('\n').at(-1)));
  return { files: files.map((/** @type {string} */ file) => file.slice(root.length + 1)).sort(), ...more };
}

const REDIS = /redis/;
const SCHEMA = '{ "~standard": { version: 1, vendor: "none", validate: (value) => ({ value }) } }';
/** Options of the chain with what they have it load, and without them not. @type {Record<string, [options: string, file: string]>} */
const PARTS = {
  cookies: ['cookies: true', 'lib/cookies.js'],
  cors: ["cors: { origin: ['https://app.example.com'] }", 'lib/cors/policy.js'],
  rateLimit: ['rateLimit: { limit: 5 }', 'lib/rate-limit/limiter.js'],
  login: ['login: { account: () => "a" }', 'lib/rate-limit/login.js'],
  validate: [`validate: { body: ${SCHEMA} }`, 'lib/validate.js'],
  routes: ['routes: { "POST /login": { rateLimit: { limit: 5 } } }', 'lib/pipeline/path-grammar.js'],
};
/** Factories and what their first call loads, in an order in which none has loaded it for a later one. @type {[call: string, file: string][]} */
const FACTORIES = [
  ['cookies()', 'lib/cookies.js'],
  ['cors()', 'lib/cors/policy.js'],
  ['errorHandler.notFound()', 'lib/error-handler.js'],
  ['hpp()', 'lib/hpp.js'],
  ['hostStore({ path: "/" })', 'lib/host-store.js'],
  ['json()', 'lib/body/json.js'],
  ['queryParser()', 'lib/body/query-parser.js'],
  ['rateLimit({ limit: 5 })', 'lib/rate-limit/limiter.js'],
  ['rateLimit.login({ account: () => "a" })', 'lib/rate-limit/login.js'],
  ['redisStore({ url: "redis://127.0.0.1:1" })', 'lib/redis-store.js'],
  ['sanitize.params.param()', 'lib/sanitize/params.js'],
  ['securityHeaders.defaultDirectives()', 'lib/security-headers.js'],
  ['urlencoded()', 'lib/body/urlencoded.js'],
  ['validate.joi({ validate: (value) => ({ value }) })', 'lib/validate.js'],
  ['carapace()', 'lib/pipeline.js'],
];
/** Factories whose modules others above have loaded. */
const MORE = [
  'errorHandler()',
  'sanitize()',
  'sanitize.params()',
  'securityHeaders()',
  'securityHeaders.clearSiteData()',
  `validate({ body: ${SCHEMA} })`,
];

describe("require('carapace')", () => {
  it('loads the native core and the errors, and nothing else', () => {
    const { files, builtins } = load("require('carapace')");
    const own = files.filter((file) => !file.endsWith('.node'));
    assert.deepEqual(own, ['index.js', 'lib/errors.js', 'lib/loader.js', 'package.json']);
    assert.equal(files.length, own.length + 1);
    assert.deepEqual(builtins, []);
  });

  it('has each factory load what it needs when it is called', () => {
    const steps = FACTORIES.map(([call, file]) => `step(() => carapace.${call}, ${JSON.stringify(join(root, file))});`);
    const { result } = load(`
      const carapace = require('carapace');
      globalThis.result = [];
      const step = (call, file) => {
        const before = file in require.cache;
        try { call(); } catch (error) { if (error.path !== 'hostStore.path') throw error; }
        result.push([before, file in require.cache]);
      };
      ${steps.join('\n')}
      ${MORE.map((call) => `carapace.${call};`).join('\n')}`);
    assert.deepEqual(
      result,
      FACTORIES.map(() => [false, true]),
    );
  });

  it('loads what is called with the values of a request when it is touched', () => {
    const { files } = load("const { explainClient, sanitize } = require('carapace')");
    const used = load(
      "const { explainClient, sanitize } = require('carapace');" +
        'sanitize.value({ $a: 1 }); sanitize.has({ __proto__: 1 }); explainClient({ headers: {}, socket: {} })',
    );
    assert.ok(files.includes('lib/sanitize/values.js') && files.includes('lib/client-key.js'), files.join());
    assert.deepEqual(used.files, files);
  });

  it('lets what it loads by touch be replaced, as mocks do, before and after', () => {
    load(`
      const { equal } = require('node:assert');
      const carapace = require('carapace');
      const [first, second] = [() => 1, () => 2];
      carapace.sanitize = first;
      equal(carapace.sanitize, first);
      equal(typeof carapace.explainClient, 'function');
      equal(carapace.explainClient, carapace.explainClient);
      carapace.explainClient = second;
      equal(carapace.explainClient, second);`);
  });
});

describe("import 'carapace'", () => {
  it('loads beyond that only what can be called with the values of a request', () => {
    const { files } = load('', { isModule: true });
    const allowed =
      /^(?:index\.m?js|package\.json|lib\/(?:errors|loader|options|events|plain-value|pointer|client-key|proxy-trust|tally)\.js|lib\/(?:native|sanitize|body)\/.+|lib\/sanitize\.js)$/;
    assert.deepEqual(
      files.filter((file) => !allowed.test(file)),
      [],
    );
    for (const file of ['lib/body/reader.js', 'lib/sanitize/request-check.js', 'lib/refusal.js']) {
      assert.ok(!files.includes(file), file);
    }
  });
});

describe('a chain', () => {
  it('loads the parts that it has, and no others', () => {
    const plain = load("require('carapace')()").files;
    for (const [part, [options, file]] of Object.entries(PARTS)) {
      assert.ok(!plain.includes(file), part);
      assert.ok(load(`require('carapace')({ ${options} })`).files.includes(file), part);
    }
  });

  it('loads no module of Node that an app on Express does not', () => {
    const { builtins } = load("const carapace = require('carapace'); carapace({ cors: true, cookies: true })");
    const alone = load("require('express')");
    const more = builtins.filter((name) => !alone.builtins.includes(name));
    assert.deepEqual(more, []);
  });
});

describe('Redis', () => {
  it('is not loaded until it is used, but for the list of the stores that were made', () => {
    for (const program of [
      "require('carapace')({ rateLimit: { limit: 5 }, login: { account: () => 'a' } })",
      "require('carapace').rateLimit({ limit: 5 })",
    ]) {
      const { files } = load(program);
      assert.deepEqual(
        files.filter((file) => REDIS.test(file)),
        ['lib/rate-limit/redis/access.js'],
      );
    }
  });

  it('is loaded by a limiter with a store in it', () => {
    const { files } = load("require('carapace').rateLimit({ limit: 5, store: 'redis://127.0.0.1:1' })");
    for (const name of ['redis-store', 'rate-limit/redis/store', 'rate-limit/redis/line']) {
      assert.ok(files.includes(`lib/${name}.js`), name);
    }
  });
});

describe('requests', () => {
  it('load nothing: all that a chain needs is there when it is made', async (context) => {
    const carapace = require('..');
    const shield = carapace({
      cookies: true,
      cors: { origin: [/^https:\/\/app\.example\.com$/], enforce: true },
      rateLimit: { limit: 30, delay: { after: 25, ms: 1 } },
      login: { account: (/** @type {any} */ request) => request.body?.user },
      validate: {
        query: { '~standard': { version: 1, vendor: 'none', validate: (/** @type {any} */ value) => ({ value }) } },
      },
      routes: { 'POST /login': { rateLimit: { limit: 3 } } },
    });
    const app = EXPRESS.express5();
    app.use(shield);
    app.get('/fails', () => {
      throw new Error('on purpose');
    });
    app.use((/** @type {any} */ request, /** @type {any} */ response) => {
      response.cookie('a', 'b').json({ body: request.body, query: request.query });
    });
    app.use(shield.errorHandler);
    const { port } = await listen(context, app);
    const own = () => Object.keys(require.cache).filter((file) => file.startsWith(join(root, 'lib')));
    const before = own();

    const origin = { origin: 'https://app.example.com' };
    const statuses = [
      await send(port),
      await send(port, { path: '/?a=1&a=%24&b[c]=2', headers: origin }),
      await send(port, { method: 'OPTIONS', headers: { ...origin, 'access-control-request-method': 'POST' } }),
      await send(port, { headers: { origin: 'https://evil.example' } }),
      await sendJson(port, '{"a":1,"$b":2,"__proto__":{}}'),
      await sendJson(port, '{"a":'),
      await sendJson(port, '{"user":"u"}', { path: '/LOGIN/' }),
      await send(port, {
        method: 'POST',
        body: 'a=1&a=2',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
      await send(port, { path: '/fails' }),
    ].map(({ status }) => status);
    for (let count = 0; count < 30; count += 1) statuses.push((await send(port)).status);
    shield.metrics.text();
    shield.explain().toString();

    assert.deepEqual(statuses.slice(0, 9), [200, 200, 204, 403, 200, 400, 200, 200, 500]);
    assert.equal(statuses.at(-1), 429);
    assert.deepEqual(
      own().filter((file) => !before.includes(file)),
      [],
    );
  });
});
