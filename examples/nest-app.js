'use strict';

// NestJS on its Express adapter. Nest's own body parser stays off: the chain reads bodies. In TypeScript the decorators are
// written as usual; here they are called.
require('reflect-metadata');
const { Controller, Get, Module, Post, Req } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const carapace = require('carapace');

const shield = carapace({
  rateLimit: { limit: 20, windowMs: 60_000 },
  routes: { 'POST /login': { rateLimit: { limit: 5, windowMs: 60 * 60_000 } } },
});

class AppController {
  hello() {
    return 'hello\n';
  }
  echo(request) {
    return request.body;
  }
}
decorate(Get(), 'hello');
decorate(Post('echo'), 'echo');
Req()(AppController.prototype, 'echo', 0);
Controller()(AppController);

class AppModule {}
Module({ controllers: [AppController] })(AppModule);

function decorate(decorator, method) {
  decorator(AppController.prototype, method, Object.getOwnPropertyDescriptor(AppController.prototype, method));
}

async function main() {
  const app = await NestFactory.create(AppModule, { bodyParser: false, logger: ['error'] });
  app.use(shield);
  await app.listen(Number(process.env.PORT ?? 3000));
  console.log(`A Nest app behind carapace listens on http://localhost:${app.getHttpServer().address().port}`);
  process.once('SIGTERM', () => app.close().then(() => process.exit(0)));
}

main();
