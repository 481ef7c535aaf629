'use strict';

// A hardened Express app: one middleware in front of everything. `npm start` runs it.
const carapace = require('carapace');
const express = require('express');

const port = Number(process.env.PORT ?? 3000);

const app = express();
app.use(carapace({ json: { limit: '10kb' }, rateLimit: { limit: 20, windowMs: 60_000 } }));
app.get('/', (request, response) => response.send('hardened\n'));
app.post('/echo', (request, response) => response.json(request.body));

const server = app.listen(port, (error) => {
  if (error) {
    console.error(`port ${port} cannot be used: ${error.message}`);
    process.exit(1);
  }
  const url = `http://localhost:${server.address().port}`;
  console.log(`A hardened Express app listens on ${url}. Try, in another terminal:

  security headers    curl -si ${url}/
  body sanitizing     curl -s ${url}/echo -H 'content-type: application/json' -d '{"user":{"$gt":""},"__proto__":{"admin":true}}'
  rate limit          curl -s -o /dev/null -w '%{http_code}\\n' '${url}/?n=[1-25]'
`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
