'use strict';

// A hardened Express app: one middleware in front of everything, and one behind. `npm start` runs it.
const carapace = require('carapace');
const express = require('express');

const port = Number(process.env.PORT ?? 3000);

const shield = carapace({
  json: { limit: '10kb' },
  cookies: true,
  cors: { origin: 'https://app.example.com' },
  rateLimit: { limit: 20, windowMs: 60_000 },
  routes: { 'POST /login': { rateLimit: { limit: 5, windowMs: 60 * 60_000 } } },
});

const app = express();
app.use(shield);
app.get('/', (request, response) => response.send('hardened\n'));
app.post('/echo', (request, response) => response.json(request.body));
app.post('/login', (request, response) => response.status(401).json({ isRight: false }));
app.get('/metrics', (request, response) => response.type('text').send(shield.metrics.text()));
app.use(shield.errorHandler);

const server = app.listen(port, (error) => {
  if (error) {
    console.error(`port ${port} cannot be used: ${error.message}`);
    process.exit(1);
  }
  const url = `http://localhost:${server.address().port}`;
  console.log(`${shield.explain()}
A hardened Express app listens on ${url}. Try, in another terminal:

  security headers    curl -si ${url}/
  body sanitizing     curl -s ${url}/echo -H 'content-type: application/json' -d '{"user":{"$gt":""},"__proto__":{"admin":true}}'
  rate limit          curl -s -o /dev/null -w '%{http_code}\\n' '${url}/?n=[1-25]'
  metrics             curl -s ${url}/metrics
`);
});
shield.attach(server);

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => shield.close().then(() => process.exit(0)));
