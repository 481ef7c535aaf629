'use strict';

// A server without any framework. `attach` puts the chain before its listeners, and protects its connections as well.
const http = require('node:http');
const carapace = require('carapace');

const shield = carapace({
  rateLimit: { limit: 20, windowMs: 60_000 },
  routes: { 'GET /health': { rateLimit: false } },
});

const server = http.createServer((request, response) => {
  if (request.method === 'POST') response.setHeader('content-type', 'application/json');
  response.end(request.method === 'POST' ? JSON.stringify(request.body) : 'hello\n');
});
shield.attach(server, { connectionsPerAddress: 50 });

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`A plain server behind carapace listens on http://localhost:${server.address().port}`);
});

process.once('SIGTERM', () => shield.close().then(() => process.exit(0)));
