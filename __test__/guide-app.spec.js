'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { after, before, describe, it } = require('node:test');
const { listedDifferences } = require('./helpers/parity');
const { hasRedis, startRedis } = require('./helpers/redis/server');
const { until } = require('./helpers/redis/until');
const { send } = require('./helpers/servers');

const root = join(__dirname, '..');
const source = join(__dirname, 'fixtures/guide-app');
const scratch = fs.mkdtempSync(join(tmpdir(), 'carapace-guide-'));
after(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** Where each major of Express is, and the body-parser that it brings. */
const MAJORS = {
  express4: { range: '^4.22.0', express: 'express4', bodyParser: 'express4/node_modules/body-parser' },
  express5: { range: '^5.3.0', express: 'express', bodyParser: 'body-parser' },
};

/**
 * The app in a directory of its own, with the packages linked as if they were installed there.
 * @param {keyof typeof MAJORS} major
 * @param {boolean} isMigrated whether `carapace migrate` has been over it
 */
function install(major, isMigrated) {
  const dir = fs.mkdtempSync(join(scratch, `${major}-${isMigrated ? 'drop-ins' : 'peers'}-`));
  fs.cpSync(source, dir, { recursive: true });
  const manifest = join(dir, 'package.json');
  const { range, express, bodyParser } = MAJORS[major];
  const text = fs.readFileSync(manifest, 'utf8').replace('"body-parser": "*",\n    ', '');
  fs.writeFileSync(manifest, text.replace('"express": "*"', `"express": "${range}"`));
  const modules = join(dir, 'node_modules');
  fs.mkdirSync(modules);
  const link = (name, target) => fs.symlinkSync(join(root, target), join(modules, name), 'junction');
  for (const name of Object.keys(JSON.parse(text).dependencies)) {
    if (name !== 'express') link(name, join('node_modules', name));
  }
  link('express', join('node_modules', express));
  link('body-parser', join('node_modules', bodyParser));
  link('carapace', '.');
  if (isMigrated) {
    const { status, stdout } = spawnSync(process.execPath, [join(root, 'bin/carapace.js'), 'migrate', dir]);
    assert.equal(status, 0, String(stdout));
  }
  return dir;
}

/** Starts an app in a process of its own. */
async function start(context, dir, environment) {
  const child = spawn(process.execPath, ['server.js'], {
    cwd: dir,
    env: { ...process.env, NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ended = new Promise((resolve) => child.on('exit', resolve));
  context.after(() => {
    child.kill();
    return ended;
  });
  await until(() => {
    assert.equal(child.exitCode, null, output);
    return /listening on \d+/.test(output);
  }, 'the app to listen');
  return { port: Number(/listening on (\d+)/.exec(output)[1]), output: () => output };
}

const APP = 'https://app.example.com';
const preflight = (origin, method = 'POST') => ({
  method: 'OPTIONS',
  path: '/api/echo',
  headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'content-type' },
});
const json = (body, path = '/api/echo', headers = {}) => ({
  method: 'POST',
  path,
  body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});
const form = (body) => ({
  ...json(body),
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
});
const from = (address, request) => ({ ...request, headers: { ...request.headers, 'x-forwarded-for': address } });
const login = (password, email = 'a@example.com') => json({ email, password }, '/api/login');
const times = (count, request) => Array(count).fill(request);

/** As pages of the app send it. */
const fromPage = (request) => ({ ...request, headers: { origin: APP, ...request.headers } });

/** What clients send, in order; the answers must be the same. */
const SAME = [
  { path: '/' },
  { path: '/api/health' },
  { path: '/api/health', method: 'HEAD' },
  { path: '/api/health', headers: { origin: APP } },
  { path: '/api/nothing', headers: { origin: 'https://admin.example.com' } },
  { path: '/api/broken' },
  preflight(APP),
  preflight('https://admin.example.com', 'DELETE'),
  { path: '/api/search?sort=asc&sort=desc' },
  { path: '/api/search?price=1&price=2&category=a&category=b&page=1&page=2' },
  { path: '/api/search?a=1&$where=1&b.c=2' },
  { path: '/api/search?q=%E2%98%83&empty=&flag' },
  json({ name: 'x', list: [1, { a: null }], deep: { er: { still: true } } }),
  json({ email: { $gt: '' }, 'a.b': 1, $where: 'x' }),
  json([{ $ne: 1 }, 2]),
  json('{"broken":'),
  json('"text"'),
  json(''),
  json({ long: 'x'.repeat(20_000) }),
  json(`{"long":"${'x'.repeat(10_225)}"}`),
  json(`{"n":1e400,"m":-0,"k":"\\ud800"}`),
  json({ a: 1 }, '/api/echo', { 'content-encoding': 'lzma' }),
  json({ a: 1 }, '/api/echo', { 'content-type': 'application/vnd.api+json' }),
  json({ a: 1 }, '/api/echo', { 'content-type': 'text/plain' }),
  { ...json({ a: 1 }), method: 'PUT' },
  form('a=1&b=2'),
  form('price=1&price=2&sort=a&sort=b'),
  form('user[name]=x&user[$ne]=1&list[]=1'),
  form(`a=${'x'.repeat(12_000)}`),
  form(Array(1_500).fill('a=1').join('&')),
  ...times(3, login('right')),
  ...times(3, login('wrong')),
  login('right'),
  ...times(4, login('wrong')),
  login('right'),
  from('203.0.113.9', login('wrong')),
  from('2001:db8:1:2::3', login('wrong')),
  from('2001:db8:1:2::4', login('wrong')),
  ...times(102, from('198.51.100.7', { path: '/api/health' })),
  from('198.51.100.8', { path: '/api/health' }),
].map(fromPage);

/** What differs on purpose: the drop-in, and its row in docs/migrating.md. */
const DIFFERENT = [
  ['carapace/cors', 'denied-fields', { path: '/api/health' }],
  ['carapace/cors', 'denied-status', { path: '/api/health', headers: { origin: 'https://evil.example' } }],
  ['carapace/cors', 'denied-status', preflight('https://evil.example')],
  ['carapace/cors', 'plain-options', fromPage({ method: 'OPTIONS', path: '/api/health' })],
  ['carapace/body-parser', 'removed-keys', fromPage(json('{"user":{"__proto__":{"isAdmin":true}}}'))],
  [
    'carapace/body-parser',
    'utf-8-only',
    fromPage(json('+AHs-+AH0-', '/api/echo', { 'content-type': 'application/json; charset=utf-7' })),
  ],
  ['carapace/body-parser', 'invalid-utf-8', fromPage(json(Buffer.from('{"a":"\xff"}', 'latin1')))],
  ['carapace/express-mongo-sanitize', 'no-overwrite', fromPage(json('{"_id":"victim","$id":"attacker"}'))],
  ['carapace/hpp', 'nested', fromPage(form('u[role]=user&u[role]=admin'))],
];

/** What is fresh in every answer. */
function steady({ status, pairs, body }) {
  const kept = pairs
    .filter(([name]) => name !== 'date' && name !== 'keep-alive')
    .map(([name, value]) => [
      name,
      value
        .replace(/'nonce-[A-Za-z0-9+/]{22}=='/, 'a nonce')
        .replace(/^\d{3,4}$/, (number) =>
          /reset|retry/.test(name) ? `about ${Math.round(Number(number) / 100)}00` : number,
        ),
    ]);
  return { status, headers: kept, body };
}

async function visit(port, requests) {
  const answers = [];
  for (const request of requests) {
    answers.push(steady(await send(port, { ...request, headers: { host: 'guide.example', ...request.headers } })));
  }
  return answers;
}

describe('a server as the guides set theirs up', { skip: !hasRedis() && 'no redis-server here' }, () => {
  /** @type {any} */
  let redis;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis?.stop());

  const url = (database) => ({ REDIS_URL: `${redis.url}/${database}` });

  /** All keys of a database with type, value and the hundreds of seconds that are left. */
  async function stored(database) {
    const Redis = require('ioredis');
    const client = new (Redis.default ?? Redis)(url(database).REDIS_URL);
    try {
      const keys = (await client.keys('*')).sort();
      return await Promise.all(
        keys.map(async (key) => [
          key,
          await client.type(key),
          await client.get(key),
          Math.round((await client.pttl(key)) / 1e5),
        ]),
      );
    } finally {
      client.disconnect();
    }
  }

  it('changes by `carapace migrate` in nothing but what it imports', () => {
    for (const major of Object.keys(MAJORS)) {
      const dir = install(major, true);
      let changed = 0;
      for (const name of fs.readdirSync(source).filter((file) => file.endsWith('.js'))) {
        const [was, is] = [source, dir].map((place) => fs.readFileSync(join(place, name), 'utf8').split('\n'));
        assert.equal(is.length, was.length);
        for (const [index, line] of is.entries()) {
          if (line === was[index]) continue;
          changed += 1;
          assert.equal(line.replace(/'carapace\/([\w-]+)(?:\/v1)?'/, "'$1'"), was[index]);
          assert.match(line, /^const .+ = require\('carapace\//);
        }
      }
      assert.equal(changed, 7);
      const server = fs.readFileSync(join(dir, 'server.js'), 'utf8');
      assert.equal(server.includes("require('carapace/body-parser/v1')"), major === 'express4');
      fs.rmSync(dir, { recursive: true });
    }
  });

  for (const [index, major] of Object.keys(MAJORS).entries()) {
    it(`answers as before on ${major}, except where a difference is listed`, async (context) => {
      const answers = [];
      for (const isMigrated of [false, true]) {
        const database = index * 2 + Number(isMigrated);
        const environment = { ...url(database), STEADY_QUERY: major === 'express5' ? '1' : '' };
        const { port, output } = await start(context, install(major, isMigrated), environment);
        const same = await visit(port, SAME);
        answers.push({
          same,
          kept: await stored(database),
          different: await visit(
            port,
            DIFFERENT.map(([, , request]) => request),
          ),
        });
        assert.ok(!/ERR_ERL|Unhandled|Warning/.test(output()), output());
      }
      const [theirs, ours] = answers;
      for (const [at, request] of SAME.entries()) {
        assert.deepEqual(ours.same[at], theirs.same[at], `${at}: ${JSON.stringify(request).slice(0, 200)}`);
      }
      assert.deepEqual(ours.kept, theirs.kept);
      assert.deepEqual(
        ours.kept.map(([key, type]) => [key, type]),
        ['all:127.0.0.1', 'all:198.51.100.7', 'all:198.51.100.8', 'all:2001:db8:1::/56', 'all:203.0.113.9']
          .concat(['login:127.0.0.1', 'login:2001:db8:1::/56', 'login:203.0.113.9'])
          .map((key) => [key, 'string']),
      );
      for (const [at, [name, row]] of DIFFERENT.entries()) {
        assert.ok(listedDifferences(name).includes(row), `${name}: ${row} is not listed`);
        assert.notDeepEqual(ours.different[at], theirs.different[at], row);
      }
      // What must have come out, so that two broken servers are not taken for equal.
      const statuses = (list) => list.map(({ status }) => status);
      const at = SAME.findIndex(({ path }) => path === '/api/login');
      assert.deepEqual(statuses(ours.same.slice(at, at + 12)), [
        ...[200, 200, 200, 401, 401, 401, 200, 401, 401, 429, 429, 429],
      ]);
      assert.equal(statuses(ours.same).filter((status) => status === 429).length, 5);
      assert.deepEqual(JSON.parse(ours.same[13].body), { body: { email: { _gt: '' }, a_b: 1, _where: 'x' } });
      assert.deepEqual(statuses(ours.different), [200, 403, 403, 404, 200, 415, 400, 200, 200]);
    });
  }

  it('needs no help on Express 5, where two of the peers fail', async (context) => {
    const { port } = await start(context, install('express5', true), url(4));
    const [search, echo] = await visit(port, [
      { path: '/api/search?sort=asc&sort=desc&$where=1' },
      json({ email: { $gt: '' } }),
    ]);
    assert.deepEqual([search.status, JSON.parse(search.body).query], [200, { sort: 'desc', _where: '1' }]);
    assert.deepEqual([echo.status, JSON.parse(echo.body).body], [200, { email: { _gt: '' } }]);
  });

  it('shares its counts with servers that still have the peers', async (context) => {
    const ports = [];
    for (const isMigrated of [false, true]) {
      ports.push((await start(context, install('express4', isMigrated), url(5))).port);
    }
    const statuses = [];
    for (const turn of [0, 1, 1, 0, 1, 0, 1]) {
      const [{ status }] = await visit(ports[turn], [login('wrong')]);
      statuses.push(status);
    }
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429]);
    assert.deepEqual(
      (await stored(5)).map(([key, type, value]) => [key, type, value]),
      [
        ['all:127.0.0.1', 'string', '7'],
        ['login:127.0.0.1', 'string', '7'],
      ],
    );
  });
});
