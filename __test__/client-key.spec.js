'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { inspect } = require('node:util');
const { explainClient, rateLimit } = require('..');
const { EXPRESS, listen, send } = require('./helpers/servers');

/** The peer of every request here is 127.0.0.1. */
const LOOPBACK = ['loopback'];

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`the client of a request on ${name}`, () => {
    /**
     * Answers each request with the key it was counted under, in the limiter and by explainClient.
     * @param {import('node:test').TestContext} context
     * @param {any} client
     * @param {unknown} [trustProxy] Express's setting
     */
    async function serve(context, client, trustProxy) {
      /** @type {any[]} */
      const events = [];
      const app = express();
      if (trustProxy !== undefined) app.set('trust proxy', trustProxy);
      app.use(rateLimit({ limit: 1e6, client, onEvent: (event) => events.push(event.type) }));
      app.use((/** @type {any} */ request, /** @type {any} */ response) => {
        const { key, used } = request.rateLimit;
        response.json({ key, used, explained: explainClient(request, client) });
      });
      const { port } = await listen(context, app);
      const ask = async (/** @type {http.OutgoingHttpHeaders} */ headers = {}) => {
        const answer = JSON.parse((await send(port, { headers })).body);
        assert.equal(answer.explained.key, answer.key);
        return answer;
      };
      const from = async (/** @type {string} */ address) => ask({ 'x-forwarded-for': address });
      return { ask, from, events };
    }

    /**
     * Checks how many keys the addresses make, through the limiter's own counts.
     * @param {any} client
     * @param {import('node:test').TestContext} context
     * @param {string[]} addresses
     * @param {number} expected
     */
    async function assertKeys(context, client, addresses, expected) {
      const { from } = await serve(context, client);
      const answers = [];
      for (const address of addresses) answers.push(await from(address));
      assert.equal(new Set(answers.map(({ key }) => key)).size, expected);
      assert.equal(answers.filter(({ used }) => used === 1).length, expected);
    }

    it('is told apart by its mapped IPv4 address S-1 S-2', async (context) => {
      const { from } = await serve(context, { trustProxy: 1 });
      assert.equal((await from('::ffff:192.0.2.1')).key, '192.0.2.1');
      assert.deepEqual(
        [(await from('::ffff:192.0.2.2')).used, (await from('::ffff:c000:201')).used, (await from('192.0.2.1')).used],
        [1, 2, 3],
      );
    });

    it('is its IPv6 prefix, not the IPv4 address it wrote into the rest S-3', async (context) => {
      const { from } = await serve(context, { trustProxy: 1 });
      assert.equal((await from('2001:db8:1234:5678::192.0.2.1')).key, '2001:db8:1234:5600::/56');
      const { from: fromWhole } = await serve(context, { trustProxy: 1, ipv6Prefix: false, ipv4Prefix: 24 });
      assert.equal((await fromWhole('2001:db8:1234:5678::192.0.2.1')).key, '2001:db8:1234:5678::c000:201');
      assert.equal((await fromWhole('192.0.2.77')).key, '192.0.2.0/24');
    });

    it('is one however it rotates in its prefix or spells it S-4', async (context) => {
      const rotating = Array.from({ length: 100 }, (_, host) => `2001:db8:1:2::${host.toString(16)}`);
      await assertKeys(context, { trustProxy: 1 }, rotating, 1);
      await assertKeys(context, { trustProxy: 1 }, ['2001:DB8::1', '2001:db8:0:0::1'], 1);
      await assertKeys(context, { trustProxy: 1 }, ['fe80::1%eth0', 'fe80::1'], 1);
    });

    it('is one of many behind a NAT64 S-5', async (context) => {
      await assertKeys(context, { trustProxy: 1 }, ['64:ff9b::192.0.2.1', '64:ff9b::198.51.100.7'], 2);
      await assertKeys(context, { trustProxy: 1 }, ['64:ff9b:1::192.0.2.1', '64:ff9b:1:7::192.0.2.1'], 1);
    });

    it('is one in all of its 6to4 prefix and behind Teredo S-6', async (context) => {
      const client = { trustProxy: 1 };
      await assertKeys(context, client, ['2002:c000:0201:0100::1', '2002:c000:0201:ff00::1', '192.0.2.1'], 1);
      await assertKeys(context, client, ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '192.0.2.45'], 1);
    });

    it('cannot be chosen by forging the header S-7', async (context) => {
      await assertKeys(context, { trustProxy: 1 }, ['9.9.9.1, 5.5.5.5', '9.9.9.2, 5.5.5.5', '5.5.5.5'], 1);
      await assertKeys(context, undefined, ['9.9.9.1', '9.9.9.2'], 1);
      await assertKeys(context, { trustProxy: false }, ['9.9.9.1', '9.9.9.2'], 1);
      await assertKeys(context, { trustProxy: ['10.0.0.0/8'] }, ['9.9.9.1', '9.9.9.2'], 1);
    });

    it('is not what a trust proxy of everybody says, which one event and one warning tell S-7', async (context) => {
      /** @type {string[]} */
      const codes = [];
      const onWarning = (/** @type {any} */ warning) => codes.push(warning.code);
      process.on('warning', onWarning);
      context.after(() => process.off('warning', onWarning));
      const { from, events } = await serve(context, undefined, true);
      const answers = [await from('9.9.9.1'), await from('9.9.9.2')];
      assert.deepEqual(
        answers.map(({ key, used, explained }) => [key, used, explained.rule]),
        [
          ['127.0.0.1', 1, 'express-trusts-all'],
          ['127.0.0.1', 2, 'express-trusts-all'],
        ],
      );
      assert.deepEqual(events, ['proxy.trust-all']);
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(codes, ['CARAPACE_TRUST_ALL']);
    });

    it('follows the trust proxy of Express, unless the limiter has its own', async (context) => {
      const { from } = await serve(context, undefined, 'loopback, 10.0.0.0/8');
      const { key, explained } = await from('9.9.9.9, 5.5.5.5:80, 10.0.0.2');
      assert.equal(key, '5.5.5.5');
      assert.deepEqual([explained.rule, explained.source], ['express', 'x-forwarded-for']);
      const { from: own, events } = await serve(context, { trustProxy: 1 }, true);
      assert.equal((await own('9.9.9.9, 5.5.5.5')).key, '5.5.5.5');
      assert.deepEqual(events, []);
    });

    it('has no port and no brackets S-8', async (context) => {
      await assertKeys(context, { trustProxy: 1 }, ['5.5.5.5:4000', '5.5.5.5:4001', '5.5.5.5'], 1);
      await assertKeys(context, { trustProxy: LOOPBACK }, ['[2001:db8::3]:99', '2001:db8::3'], 1);
    });

    it('is the peer when the header holds no address S-9', async (context) => {
      const garbage = ['unknown0', '_hidden', '1.2.3.4.5', '', '01.02.03.04', ','.repeat(12_000), '::1::2', '1.2.3'];
      for (const client of [{ trustProxy: 1 }, { trustProxy: LOOPBACK }, { trustProxy: 1, header: 'x-real-ip' }]) {
        const { ask } = await serve(context, client);
        for (const value of garbage) {
          const { key, explained } = await ask({ [client.header ?? 'x-forwarded-for']: value });
          assert.equal(key, '127.0.0.1');
          assert.match(explained.rule, /^(not-an-address|header-missing)$/);
        }
      }
    });

    it('is read from the one configured header, all lines of it S-10', async (context) => {
      const headers = {
        'x-forwarded-for': ['9.9.9.9', '5.5.5.5'],
        forwarded: 'for=6.6.6.6, for="[2001:db8::1]:4711";proto=https',
        'cf-connecting-ip': '7.7.7.7',
        'x-real-ip': ['8.8.8.8', '8.8.4.4'],
      };
      const keyWith = async (/** @type {any} */ client) => (await (await serve(context, client)).ask(headers)).key;
      assert.equal(await keyWith({ trustProxy: 1 }), '5.5.5.5');
      assert.equal(await keyWith({ trustProxy: 2 }), '9.9.9.9');
      assert.equal(await keyWith({ trustProxy: 1, header: 'forwarded' }), '2001:db8::/56');
      assert.equal(await keyWith({ trustProxy: LOOPBACK, header: 'cf-connecting-ip' }), '7.7.7.7');
      assert.equal(await keyWith({ trustProxy: LOOPBACK, header: 'x-real-ip' }), '127.0.0.1');
      assert.equal(await keyWith({ header: 'cloudflare' }), '127.0.0.1');
      assert.equal(await keyWith(undefined), '127.0.0.1');
    });

    it('can have any key of the app, none of which collide S-11', async (context) => {
      const keys = ['a:b', 'a', 'b:c', '{tag}', 'a\0b', 'a\r\nb', '__proto__', 'constructor', 'x'.repeat(2 ** 20), ''];
      keys.push(`${keys[8]}y`, '192.0.2.0/24', 'text:192.0.2.0/24', '2001:db8::/56', '2001:db8::1', '\ud800', '\udc00');
      let next = '';
      const app = express();
      app.use(rateLimit({ limit: 1, keyGenerator: () => next }));
      app.use((/** @type {any} */ request, /** @type {any} */ response) => response.json(request.rateLimit.key));
      const { port } = await listen(context, app);
      const seen = new Set();
      for (next of keys) {
        const { status, body } = await send(port);
        assert.equal(status, 200);
        seen.add(body);
      }
      assert.equal(seen.size, keys.length);
      for (next of [...keys, '[2001:db8:0:1::9]:80']) assert.equal((await send(port)).status, 429);
    });

    it('keeps keys of the app that look like addresses apart when told so', async (context) => {
      let next = '';
      const app = express();
      app.use(rateLimit({ limit: 1, keyGenerator: () => next, client: { canonicalKeys: false } }));
      const { port } = await listen(context, app);
      for (next of ['2001:db8::1', '2001:db8::2']) assert.notEqual((await send(port)).status, 429);
      assert.equal((await send(port)).status, 429);
    });
  });
}

describe('explainClient', () => {
  const request = (/** @type {any} */ headers, peer = '10.0.0.1') =>
    /** @type {any} */ ({ headers, socket: { remoteAddress: peer } });

  it('says which rule gave the key, from what, and what was ignored', () => {
    const headers = { 'x-forwarded-for': '9.9.9.9, 5.5.5.5:80', 'cf-connecting-ip': '7.7.7.7', 'x-real-ip': '1.1.1.1' };
    assert.deepEqual(explainClient(request(headers), { trustProxy: ['uniquelocal'] }), {
      key: '5.5.5.5',
      rule: 'trusted-proxies',
      peer: '10.0.0.1',
      source: 'x-forwarded-for',
      value: '5.5.5.5:80',
      ignored: [
        { header: 'cf-connecting-ip', value: '7.7.7.7' },
        { header: 'x-real-ip', value: '1.1.1.1' },
      ],
    });
  });

  /** @type {[string, any, any, string?][]} */
  const CASES = [
    ['socket', {}, undefined],
    ['socket', { 'x-forwarded-for': '5.5.5.5' }, undefined],
    ['socket', { 'x-forwarded-for': '5.5.5.5' }, { trustProxy: false }],
    ['socket', { 'x-forwarded-for': '5.5.5.5' }, { trustProxy: 0 }],
    ['hops', { 'x-forwarded-for': '5.5.5.5' }, { trustProxy: 1 }],
    ['hops', { 'x-forwarded-for': '5.5.5.5' }, { header: 'aws-alb' }],
    ['hops', { forwarded: 'for=5.5.5.5' }, { header: 'forwarded', trustProxy: 1 }],
    ['trusted-proxies', { 'x-forwarded-for': '5.5.5.5' }, { trustProxy: '10.0.0.0/8, loopback' }],
    ['header', { 'fly-client-ip': '5.5.5.5' }, { header: 'fly' }],
    ['untrusted-peer', { 'x-forwarded-for': '5.5.5.5' }, { trustProxy: ['loopback'] }],
    ['untrusted-peer', { 'cf-connecting-ip': '5.5.5.5' }, { header: 'cloudflare' }],
    ['header-missing', {}, { trustProxy: 1 }],
    ['not-an-address', { 'x-forwarded-for': 'unknown' }, { trustProxy: 1 }],
    ['no-peer', {}, undefined, ''],
  ];
  for (const [rule, headers, options, peer] of CASES) {
    it(`says ${rule} for ${JSON.stringify(headers)} with ${JSON.stringify(options)}`, () => {
      const explained = explainClient(request(headers, peer), options);
      assert.equal(explained.rule, rule);
      const isFound = ['hops', 'trusted-proxies', 'header'].includes(rule);
      assert.equal(explained.key, isFound ? '5.5.5.5' : (peer ?? '10.0.0.1'));
      assert.equal(explained.source === 'socket', !isFound);
      assert.equal(explained.ignored.length, isFound ? 0 : Object.keys(headers).length);
    });
  }

  it('lists every header in its type', () => {
    const { clientHeaders } = require('../lib/loader');
    const types = require('node:fs').readFileSync(join(__dirname, '..', 'index.d.ts'), 'utf8');
    const [, union] = /export type ClientHeader =\n(.*?);/s.exec(types) ?? [];
    assert.deepEqual(
      [...union.matchAll(/'([\w-]+)'/g)].map(([, header]) => header),
      clientHeaders(),
    );
  });

  it('takes every provider in its type', () => {
    const types = require('node:fs').readFileSync(join(__dirname, '..', 'index.d.ts'), 'utf8');
    const [, union] = /export type ClientProvider =\n(.*?);/s.exec(types) ?? [];
    const providers = [...union.matchAll(/'([\w-]+)'/g)].map(([, provider]) => provider);
    assert.equal(providers.length, 10);
    for (const header of providers) {
      assert.equal(explainClient(request({}), /** @type {any} */ ({ header, trustProxy: 1 })).rule, 'header-missing');
    }
  });

  it('tells clients apart by hops behind a unix socket', async (context) => {
    const path =
      process.platform === 'win32' ? '\\\\.\\pipe\\carapace' : join(tmpdir(), `carapace-${process.pid}.sock`);
    const server = http.createServer((request, response) =>
      response.end(
        JSON.stringify([
          explainClient(request, { trustProxy: 1 }).key,
          explainClient(request, { trustProxy: LOOPBACK }).rule,
        ]),
      ),
    );
    await new Promise((resolve) => server.listen(path, () => resolve(undefined)));
    context.after(() => server.close());
    const body = await new Promise((resolve, reject) => {
      const headers = { 'x-forwarded-for': '5.5.5.5' };
      http
        .get({ socketPath: path, headers, agent: false }, (response) => {
          let text = '';
          response.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text));
        })
        .on('error', reject);
    });
    assert.deepEqual(JSON.parse(body), ['5.5.5.5', 'no-peer']);
  });
});

describe('options of client', () => {
  const VALUE = 'ERR_CARAPACE_OPTION_VALUE';
  const TYPE = 'ERR_CARAPACE_OPTION_TYPE';
  const CONFLICT = 'ERR_CARAPACE_OPTION_CONFLICT';
  const REQUIRED = 'ERR_CARAPACE_OPTION_REQUIRED';
  const holed = ['loopback'];
  holed[2] = 'linklocal';
  /** @type {[string, any, string][]} */
  const BAD = [
    ['.trustProxy', { trustProxy: true }, VALUE],
    ...[-1, 0.5, NaN, Infinity, -Infinity, 65, 1e9, 4294967296].map(
      (trustProxy) => /** @type {[string, any, string]} */ (['.trustProxy', { trustProxy }, VALUE]),
    ),
    ...[
      [],
      ['0.0.0.0/0'],
      ['::/0'],
      ['0.0.0.0/1', '128.0.0.0/1'],
      ['::ffff:0:0/96'],
      ['2000::/3'],
      '0.0.0.0/0, ::/0',
    ].map((trustProxy) => /** @type {[string, any, string]} */ (['.trustProxy', { trustProxy }, VALUE])),
    ...['', 'all', '*', 'true', '10.0.0.0/33', '10.0.0.0/x', '10.0.0/8', '::1/129', '10.0.0.1:80', '[::1]'].map(
      (trustProxy) => /** @type {[string, any, string]} */ (['.trustProxy[0]', { trustProxy }, VALUE]),
    ),
    ['.trustProxy[1]', { trustProxy: 'loopback, lopback' }, VALUE],
    ['.trustProxy[1]', { trustProxy: ['loopback', 1] }, TYPE],
    ['.trustProxy[0]', { trustProxy: [null] }, TYPE],
    ['.trustProxy[1]', { trustProxy: holed }, TYPE],
    ['.trustProxy', { trustProxy: null }, TYPE],
    ['.trustProxy', { trustProxy: {} }, TYPE],
    ['.trustProxy', { trustProxy: () => true }, TYPE],
    ['.trustProxy', { header: 'x-forwarded-for' }, REQUIRED],
    ['.trustProxy', { header: 'x-real-ip' }, REQUIRED],
    ['.trustProxy', { header: 'akamai' }, REQUIRED],
    ['.trustProxy', { header: 'cf-connecting-ip', trustProxy: 2 }, CONFLICT],
    ['.header', { header: 'cloudflare', trustProxy: false }, CONFLICT],
    ['.header', { header: 'x-forwarded-for', trustProxy: 0 }, CONFLICT],
    ['.header', { header: 'x-forwaded-for', trustProxy: 1 }, VALUE],
    ['.header', { header: '', trustProxy: 1 }, VALUE],
    ['.header', { header: '__proto__', trustProxy: 1 }, VALUE],
    ['.header', { header: ['x-real-ip'], trustProxy: 1 }, TYPE],
    ...[0, 129, 1.5, NaN, -1, true].map(
      (ipv6Prefix) => /** @type {[string, any, string]} */ (['.ipv6Prefix', { ipv6Prefix }, VALUE]),
    ),
    ['.ipv6Prefix', { ipv6Prefix: '/56' }, TYPE],
    ['.ipv4Prefix', { ipv4Prefix: 33 }, VALUE],
    ['.ipv4Prefix', { ipv4Prefix: true }, VALUE],
    ['.canonicalKeys', { canonicalKeys: 1 }, TYPE],
    ['.trustProxies', { trustProxies: 1 }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['.__proto__', JSON.parse('{"__proto__":{"trustProxy":1}}'), 'ERR_CARAPACE_OPTION_UNKNOWN'],
  ];
  for (const [path, client, code] of BAD) {
    it(`throw ${code} for ${path} given ${inspect(client)}`, () => {
      assert.throws(() => rateLimit({ limit: 1, client }), {
        name: 'CarapaceError',
        code,
        path: `rateLimit.client${path}`,
      });
      assert.throws(() => explainClient(/** @type {any} */ ({ headers: {}, socket: {} }), client), {
        code,
        path: `explainClient${path}`,
      });
    });
  }

  it('contradict a keyGenerator, and the short form of ipv6Prefix', () => {
    const keyGenerator = () => 'key';
    for (const client of [{ trustProxy: 1 }, { header: /** @type {const} */ ('cloudflare') }]) {
      assert.throws(() => rateLimit({ limit: 1, keyGenerator, client }), {
        code: CONFLICT,
        path: `rateLimit.client.${Object.keys(client)[0]}`,
      });
    }
    assert.throws(() => rateLimit({ limit: 1, ipv6Prefix: 64, client: { ipv6Prefix: 64 } }), {
      code: CONFLICT,
      path: 'rateLimit.ipv6Prefix',
    });
  });

  it('have to come with a request for explainClient', () => {
    for (const value of [undefined, null, 5, {}, { headers: null }]) {
      assert.throws(() => explainClient(/** @type {any} */ (value)), { code: TYPE, path: 'explainClient' });
    }
  });

  it('do not change when the caller changes its list later', () => {
    const trustProxy = ['loopback'];
    const limiter = rateLimit({ limit: 1, client: { trustProxy } });
    trustProxy[0] = '10.0.0.0/8';
    const headers = { 'x-forwarded-for': '5.5.5.5' };
    const request = /** @type {any} */ ({ headers, socket: { remoteAddress: '10.0.0.1' } });
    const response = /** @type {any} */ ({ getHeader: () => undefined, setHeader: () => undefined });
    limiter(request, response, () => undefined);
    assert.equal(request.rateLimit.key, '10.0.0.1');
  });
});
