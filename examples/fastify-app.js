'use strict';

// Fastify, through its official plugin for middlewares. The chain has read the body when Fastify's own parser would, so that one
// only hands it on; and Fastify parses queries by a function, which is ours.
const middie = require('@fastify/middie');
const carapace = require('carapace');
const fastify = require('fastify');

const shield = carapace({ queryParser: false, rateLimit: { limit: 20, windowMs: 60_000 } });

async function main() {
  const app = fastify({ routerOptions: { querystringParser: carapace.queryParser({ hpp: true }) } });
  await app.register(middie);
  app.use(shield);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request, _payload, done) => done(null, request.raw.body));
  app.get('/', () => 'hello\n');
  app.post('/echo', (request) => request.body);
  app.get('/query', (request) => request.query);
  await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
  console.log(`A Fastify app behind carapace listens on http://localhost:${app.server.address().port}`);
  process.once('SIGTERM', () => app.close().then(() => process.exit(0)));
}

main();
