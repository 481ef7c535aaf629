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
