'use strict';

// A limit that all instances of an app share. Start a Redis (`redis-server --port 6379`), then this in two terminals, on two
// ports: `PORT=3000 node examples/redis-limit.js`. Stop the Redis while it runs, and start it again.
const { rateLimit, redisStore } = require('carapace');
const express = require('express');

const port = Number(process.env.PORT ?? 3000);

const store = redisStore({
  url: process.env.REDIS_URL ?? 'redis://localhost:6379',
  instances: 2,
  onEvent: ({ type, rule, action }) => console.log(`${type} (${rule}): ${action} decides`),
});

const app = express();
app.use(
  rateLimit({
    policies: [
      { name: 'burst', limit: 5, windowMs: 10_000 },
      { name: 'hour', limit: 100, windowMs: 3_600_000 },
    ],
    store,
  }),
);
app.get('/', (request, response) => response.json({ remaining: request.rateLimit.remaining, redis: store.status() }));

const server = app.listen(port, (error) => {
  if (error) {
    console.error(`port ${port} cannot be used: ${error.message}`);
    process.exit(1);
  }
  const url = `http://localhost:${server.address().port}/`;
  console.log(`Ask six times, here and at the other port:

  curl -si ${url}
`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close();
    await store.close();
    process.exit(0);
  });
}
