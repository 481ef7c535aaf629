'use strict';

require('reflect-metadata');
const assert = require('node:assert/strict');
const { existsSync } = require('node:fs');
const Loader = require('node:module');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { hasRedis, startRedis } = require('./helpers/redis-server');
const { EXPRESS, listen, send } = require('./helpers/servers');

/** Code that was written for a peer, running on the drop-in. */
describe('NestJS', () => {
  it('takes carapace/helmet as it takes helmet', async (context) => {
    const headers = [];
    for (const helmet of [require('helmet'), require('carapace/helmet')]) {
      const app = await NestFactory.create(createModule(), { logger: false });
      app.use(helmet());
      context.after(() => app.close());
      await app.listen(0, '127.0.0.1');
      const { status, body, pairs } = await send(app.getHttpServer().address().port, { path: '/page' });
      assert.deepEqual([status, body], [200, 'from Nest']);
      headers.push(pairs.filter(([name]) => name !== 'date'));
    }
    assert.deepEqual(headers[1], headers[0]);
    assert.ok(headers[1].some(([name]) => name === 'content-security-policy'));
  });
});

/** An app of Nest with one route; decorators are functions, so plain JavaScript can call them. */
function createModule() {
  class PageController {
    page() {
      return 'from Nest';
    }
  }
  Get('page')(PageController.prototype, 'page', Object.getOwnPropertyDescriptor(PageController.prototype, 'page'));
  Controller()(PageController);
  class AppModule {}
  Module({ controllers: [PageController] })(AppModule);
  return AppModule;
}

describe('the drop-ins', () => {
  for (const name of ['hpp', 'express-mongo-sanitize', 'secure-json-parse', 'body-parser', 'express-rate-limit']) {
    it(`carapace/${name} exports to ES modules what ${name} exports`, async () => {
      const [expected, got] = await Promise.all([import(name), import(`carapace/${name}`)]);
      const commonjs = require(`carapace/${name}`);
      // Newer versions of Node add a name of their own to what they find in CommonJS.
      const names = (module) => Object.keys(module).filter((key) => key !== 'module.exports');
      assert.deepEqual(names(got).sort(), names(expected).sort());
      for (const key of names(got)) {
        assert.equal(got[key], key === 'default' ? (commonjs.default ?? commonjs) : commonjs[key], key);
      }
    });
  }
});

describe('the subpaths of package.json', () => {
  const { exports: subpaths, files } = require('../package.json');
  for (const [subpath, conditions] of Object.entries(subpaths)) {
    if (typeof conditions === 'string' || subpath === '.') continue;
    it(`${subpath} has modules and types of both kinds, which are shipped`, async () => {
      const named = Object.values(conditions).flatMap((each) => Object.values(each));
      assert.equal(named.length, 4);
      for (const file of named) {
        assert.ok(existsSync(join(__dirname, '..', file)), file);
        assert.ok(files.includes(file.split('/')[1]), file);
      }
      const name = subpath.replace('.', 'carapace');
      const [commonjs, module] = [require(name), await import(name)];
      assert.equal(typeof (module.default ?? module.RedisStore), 'function');
      assert.equal(module.default, commonjs.default ?? (typeof commonjs === 'function' ? commonjs : undefined));
    });
  }
});

/** A package that requires express-rate-limit, with the drop-in in its place. */
function requireOnDropIn(name) {
  const resolve = Loader._resolveFilename;
  Loader._resolveFilename = function resolveFilename(request, ...rest) {
    return resolve.call(this, request === 'express-rate-limit' ? 'carapace/express-rate-limit' : request, ...rest);
  };
  try {
    delete require.cache[require.resolve(name)];
    return require(name);
  } finally {
    Loader._resolveFilename = resolve;
    delete require.cache[require.resolve(name)];
  }
}

/** What clients see of a limiter, without the fields that tell the time. */
async function answersOf(context, express, mount, requests) {
  const app = express();
  mount(app);
  app.use((request, response) => response.json({ limit: request.rateLimit, delay: request.slowDown?.delay }));
  const { port } = await listen(context, app);
  const answers = [];
  for (const request of requests) {
    const { status, pairs, body } = await send(port, request);
    answers.push([
      status,
      pairs.filter(([name]) => !/^(?:date|etag|content-length|.*reset|retry-after|ratelimit)$/.test(name)),
      withoutTime(body),
    ]);
  }
  return answers;
}

const withoutTime = (body) => body.replace(/"resetTime":"[^"]+"/g, '"resetTime":"soon"');

describe('express-slow-down', () => {
  for (const [major, express] of Object.entries(EXPRESS)) {
    it(`delays on the drop-in as on express-rate-limit on ${major}`, async (context) => {
      const { slowDown: theirs } = require('express-slow-down');
      const { slowDown: ours } = requireOnDropIn('express-slow-down');
      assert.notEqual(ours, theirs);
      const all = [];
      for (const slowDown of [theirs, ours]) {
        const limiter = slowDown({
          windowMs: 60_000,
          delayAfter: 2,
          delayMs: (used) => used * 10,
          standardHeaders: 'draft-7',
        });
        const started = performance.now();
        all.push(await answersOf(context, express, (app) => app.use(limiter), [{}, {}, {}, {}]));
        assert.ok(performance.now() - started >= 69, 'the third and the fourth request wait');
      }
      assert.deepEqual(all[1], all[0]);
      assert.deepEqual(
        all[1].map(([, , body]) => JSON.parse(body).delay),
        [0, 0, 30, 40],
      );
    });
  }
});

describe('rate-limit-redis', { skip: !hasRedis && 'no redis-server here' }, () => {
  for (const [major, express] of Object.entries(EXPRESS)) {
    it(`counts for the drop-in under the keys of express-rate-limit on ${major}`, async (context) => {
      const client = await startRedis(context);
      const { RedisStore } = require('rate-limit-redis');
      const all = [];
      const commands = [];
      for (const rateLimit of [require('express-rate-limit'), require('carapace/express-rate-limit')]) {
        const sent = [];
        const sendCommand = (...given) => {
          sent.push(given.map((part) => (/^(?:--|\s*local|[0-9a-f]{40}$)/.test(part) ? 'script' : part)));
          return client.call(...given);
        };
        const limiter = rateLimit({
          limit: 3,
          windowMs: 60_000,
          store: new RedisStore({ sendCommand }),
          skipFailedRequests: true,
        });
        all.push(await answersOf(context, express, (app) => app.use(limiter), [{}, {}, {}, {}]));
        sent.push(await limiter.getKey('127.0.0.1').then(({ totalHits }) => totalHits), await client.keys('*'));
        commands.push(sent);
        await limiter.resetKey('127.0.0.1');
      }
      assert.deepEqual(all[1], all[0]);
      assert.deepEqual(commands[1], commands[0]);
      assert.deepEqual(
        all[1].map(([status]) => status),
        [200, 200, 200, 429],
      );
      assert.ok(JSON.stringify(commands[1]).includes('rl:127.0.0.1'));
    });
  }

  it('lets servers with the drop-in and with express-rate-limit share counts', async (context) => {
    const client = await startRedis(context);
    const { RedisStore } = require('rate-limit-redis');
    const statuses = [];
    const limiters = [require('express-rate-limit'), require('carapace/express-rate-limit')].map((rateLimit) =>
      rateLimit({
        limit: 3,
        store: new RedisStore({ sendCommand: (...given) => client.call(...given) }),
        validate: false,
      }),
    );
    for (const turn of [0, 1, 0, 1, 0]) {
      const [[status]] = await answersOf(context, EXPRESS.express5, (app) => app.use(limiters[turn]), [{}]);
      statuses.push(status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
  });
});
