'use strict';

const assert = require('node:assert/strict');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const carapace = require('..');
const { hasRedis, startRedis } = require('./helpers/redis-server');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

const { errorHandler, hostStore, redisStore } = carapace;
const page = readFileSync(join(__dirname, '..', 'docs/checklist.md'), 'utf8');
const OWN = 'https://app.example.com';
const STRANGER = 'https://evil.example';
const SECRET = 'hunter2';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const BROWSER = { accept: 'text/html,*/*;q=0.8' };

/** What an app that was written without a thought does. */
function mountRoutes(app) {
  app.post('/login', (request, response) => response.status(request.body?.password === 'right' ? 200 : 401).json({}));
  app.post('/users', (request, response) => response.json(request.body));
  // As an app merges what came into an object of its own.
  app.post('/merge', (request, response) =>
    response.json({ isAdmin: Object.assign({}, request.body).isAdmin === true }),
  );
  app.all('/echo', (request, response) => response.json({ body: request.body, query: request.query }));
  app.get('/session', (_request, response) => response.cookie('sid', SECRET).json({}));
  app.get('/throw', () => {
    throw new Error(`connect postgres://user:${SECRET}@db`);
  });
}

const APPS = {
  /** Express as its guide shows it: with its body parsers, and nothing else. */
  plain(express) {
    const app = express().set('env', 'development').set('trust proxy', 1);
    app.use(express.json(), express.urlencoded({ extended: true }));
    mountRoutes(app);
    return app;
  },

  /** The same between the two mounts that docs/checklist.md shows. */
  hardened(express, changes = {}) {
    const app = express().set('env', 'development').set('trust proxy', 1);
    const [, code] = /```js\n(.*?)```/s.exec(page);
    const made = (options) =>
      carapace({ ...options, ...changes, rateLimit: { ...options.rateLimit, ...changes.rateLimit } });
    const names = ['carapace', 'errorHandler', 'app', 'require', 'mountRoutes'];
    const run = new Function(...names, code.replace("// the app's routes", 'mountRoutes(app);'));
    run(made, errorHandler, app, require, mountRoutes);
    return app;
  },
};

/** Whether no header of the answers is missing that the line wants. */
function all(answers, isThere) {
  return answers.every(({ headers }) => isThere(headers));
}

async function repeat(count, act) {
  const answers = [];
  for (let index = 0; index < count; index += 1) answers.push(await act(index));
  return answers;
}

/** By the words of docs/checklist.md: whether an app that listens at the port passes the line. */
const LINES = {
  'no header names the framework': async ({ port }) => {
    const answers = [await send(port, { path: '/echo' }), await send(port, { path: '/none' })];
    return all(answers, (headers) => headers['x-powered-by'] === undefined && headers.server === undefined);
  },
  'every answer, errors too, forbids sniffing, framing and telling others where the user was': async ({ port }) => {
    const answers = await Promise.all(['/echo', '/none', '/throw', '/%zz'].map((path) => send(port, { path })));
    answers.push(await sendJson(port, '{', { path: '/echo' }));
    return all(
      answers,
      (headers) =>
        headers['x-content-type-options'] === 'nosniff' &&
        /^(sameorigin|deny)$/i.test(headers['x-frame-options']) &&
        headers['referrer-policy'] === 'no-referrer',
    );
  },
  'a policy says which scripts may run': async ({ port }) => {
    const answers = [await send(port, { path: '/echo' }), await send(port, { path: '/throw', headers: BROWSER })];
    return all(answers, (headers) => /(script|default)-src '(self|none)'/.test(headers['content-security-policy']));
  },
  'browsers keep to https once they have come over it': async ({ port }) => {
    const { headers } = await send(port, { path: '/echo', headers: { 'x-forwarded-proto': 'https' } });
    return /max-age=31536000/.test(headers['strict-transport-security']);
  },
  'the app’s own pages may read with credentials, everybody else may not, and there is no wildcard': async ({
    port,
  }) => {
    const allowedTo = async (origin) => (await send(port, { path: '/echo', headers: { origin } })).headers;
    const own = await allowedTo(OWN);
    const others = await Promise.all(
      [STRANGER, 'null', `${OWN}.evil.example`, 'http://app.example.com'].map(allowedTo),
    );
    return (
      own['access-control-allow-origin'] === OWN &&
      own['access-control-allow-credentials'] === 'true' &&
      /\bOrigin\b/i.test(own.vary) &&
      others.every((headers) => headers['access-control-allow-origin'] === undefined)
    );
  },
  'the app’s own pages can read refusals and errors': async ({ port }) => {
    const headers = { origin: OWN };
    const answers = [
      await send(port, { path: '/none', headers }),
      await send(port, { path: '/throw', headers }),
      await sendJson(port, '{', { path: '/echo', headers }),
      ...(await repeat(110, () => send(port, { path: '/echo', headers }))),
    ];
    return all(answers, (headers) => headers['access-control-allow-origin'] === OWN);
  },
  'one client cannot send without end': async ({ port }) => {
    const answers = await repeat(101, () => send(port, { path: '/echo' }));
    return answers[99].status === 200 && answers[100].status === 429 && answers[100].headers['retry-after'] > 0;
  },
  'a password cannot be guessed by trying': async ({ port }) => {
    const attempt = (password) => sendJson(port, JSON.stringify({ user: 'ann', password }), { path: '/login' });
    const answers = await repeat(6, (index) => attempt(`wrong ${index}`));
    return answers[4].status === 401 && answers[5].status === 429 && (await attempt('right')).status === 429;
  },
  'several processes or instances count together': async ({ port, other }) => {
    await repeat(100, (index) => send(index % 2 ? port : other, { path: '/echo' }));
    return (
      (await send(port, { path: '/echo' })).status === 429 && (await send(other, { path: '/echo' })).status === 429
    );
  },
  'a JSON body has at most 10 kB': async ({ port }) => {
    const size = async (bytes) =>
      (await sendJson(port, JSON.stringify('x'.repeat(bytes)).replace(/^.*$/, '[$&]'), { path: '/echo' })).status;
    return (await size(10_000)) === 200 && (await size(10_300)) === 413;
  },
  'a form has at most 10 kB': async ({ port }) => {
    const size = async (bytes) =>
      (await send(port, { method: 'POST', path: '/echo', headers: FORM, body: `a=${'x'.repeat(bytes)}` })).status;
    return (await size(10_000)) === 200 && (await size(10_300)) === 413;
  },
  'no operator key reaches a query of the database, from JSON, forms or the query string': async ({ port }) => {
    const answers = [
      await sendJson(port, '{"user":"a","password":{"$ne":null},"x":{"\\u0024where":"1"}}', { path: '/echo' }),
      await send(port, { method: 'POST', path: '/echo', headers: FORM, body: 'password[$ne]=&x[%24gt]=' }),
      await send(port, { path: '/echo?password[$ne]=&x[%24gt]=' }),
    ];
    return answers.every(({ status, body }) => status === 200 && !body.includes('$'));
  },
  'no key reaches a prototype': async ({ port }) => {
    const { status, body } = await sendJson(port, '{"__proto__":{"isAdmin":true}}', { path: '/merge' });
    return status === 200 && body === '{"isAdmin":false}';
  },
  'JSON cannot be nested without end': async ({ port }) =>
    (await sendJson(port, '['.repeat(4000) + ']'.repeat(4000), { path: '/echo' })).status === 400,
  'a repeated parameter is one value': async ({ port }) => {
    const { body } = await send(port, { path: '/echo?role=user&role=admin&sort=a' });
    return JSON.parse(body).query.role === 'admin';
  },
  'a member that must be one value is one': async ({ port }) =>
    JSON.parse((await sendJson(port, '{"role":["user","admin"]}', { path: '/echo' })).body).body.role === 'admin',
  'unknown members are refused, and all mistakes told at once': async ({ port }) => {
    const { status, body } = await sendJson(port, `{"name":7,"age":"${SECRET}","role":"admin"}`, { path: '/users' });
    if (status !== 400 || body.includes(SECRET)) return false;
    const isTaken = (await sendJson(port, '{"name":"Ann","age":7}', { path: '/users' })).status === 200;
    return (
      isTaken &&
      JSON.parse(body)
        .errors.map(({ pointer }) => pointer)
        .join() === '/name,/age,/role'
    );
  },
  'cookies are out of reach of scripts and of other sites': async ({ port }) => {
    const [line] = (await send(port, { path: '/session' })).headers['set-cookie'];
    return /; HttpOnly(;|$)/.test(line) && /; SameSite=(Lax|Strict)(;|$)/.test(line);
  },
  'cookies go over https only': async ({ port }) => {
    const [line] = (await send(port, { path: '/session', headers: { 'x-forwarded-proto': 'https' } })).headers[
      'set-cookie'
    ];
    return /; Secure(;|$)/.test(line);
  },
  'errors tell neither messages nor stacks': async ({ port }) => {
    const { status, body } = await send(port, { path: '/throw' });
    return status === 500 && !body.includes(SECRET) && !/\bat .*:\d+/.test(body);
  },
  'what cannot be parsed is refused without telling paths of the server': async ({ port }) => {
    const answers = [
      await sendJson(port, `{"password":${SECRET}}`, { path: '/echo' }),
      await send(port, { path: '/%zz' }),
    ];
    return answers.every(
      ({ status, body }) => [400, 404].includes(status) && !body.includes(SECRET) && !/node_modules|\.js\b/.test(body),
    );
  },
  'errors have one shape, which programs can read': async ({ port }) => {
    const answers = [
      await send(port, { path: '/none' }),
      await send(port, { path: '/throw' }),
      await sendJson(port, '{', { path: '/echo' }),
      await sendJson(port, '{}', { path: '/users' }),
    ];
    return answers.every(
      ({ status, headers, body }) =>
        headers['content-type'] === 'application/problem+json; charset=utf-8' && JSON.parse(body).status === status,
    );
  },
};

it('has the lines of docs/checklist.md', () => {
  const rows = [...page.split('## What is not here')[0].matchAll(/^\| ([^|]+?) \| [^|]+ \|$/gm)].map(
    ([, line]) => line,
  );
  assert.deepEqual(
    rows.slice(1).map((line) => line.replaceAll("'", '’')),
    Object.keys(LINES),
  );
});

const SHARED = 'several processes or instances count together';

/** Starts an app twice, as two instances of it. */
async function startTwice(context, make) {
  const [one, two] = [await listen(context, make()), await listen(context, make())];
  return { port: one.port, other: two.port };
}

/** A folder that is gone when the test is over. */
function folderOf(context) {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-checklist-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`on ${name}`, () => {
    for (const [line, passes] of Object.entries(LINES)) {
      it(`${line}: plain Express fails, the hardened app passes`, async (context) => {
        // Where Express's own error handling writes to.
        context.mock.method(console, 'error', () => {});
        const plain = await startTwice(context, () => APPS.plain(express));
        assert.equal(await passes(plain), false, 'plain Express passes');
        const path = join(folderOf(context), 'counts');
        const changes = line === SHARED ? () => ({ rateLimit: { store: hostStore({ path }) } }) : () => ({});
        const hardened = await startTwice(context, () => APPS.hardened(express, changes()));
        assert.equal(await passes(hardened), true, 'the hardened app fails');
      });
    }

    it(`${SHARED}: in the process they do not, in Redis they do`, { skip: !hasRedis }, async (context) => {
      // Two stores of one address would be one to this process; two clients are as two processes.
      const client = await startRedis(context);
      const other = client.duplicate().on('error', () => {});
      context.after(() => other.disconnect());
      const stores = [client, other].map((client) => redisStore({ client }));
      context.after(() => Promise.all(stores.map((store) => store.close())));
      const alone = [{}, {}].map((_, index) => ({ rateLimit: { name: `alone ${index}` } }));
      const apart = await startTwice(context, () => APPS.hardened(express, alone.pop()));
      assert.equal(await LINES[SHARED](apart), false);
      const together = stores.map((store) => ({ rateLimit: { store } }));
      const shared = await startTwice(context, () => APPS.hardened(express, together.pop()));
      assert.equal(await LINES[SHARED](shared), true);
    });
  });
}
