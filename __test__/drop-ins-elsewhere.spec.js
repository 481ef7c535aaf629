'use strict';

require('reflect-metadata');
const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { send } = require('./helpers/servers');

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
  for (const name of ['hpp', 'express-mongo-sanitize', 'secure-json-parse', 'body-parser']) {
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
