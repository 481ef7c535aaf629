'use strict';

// One process of several. They count in one file that all of them map, so the limit is that of the host, however many there are.
const carapace = require('carapace');
const express = require('express');

const { PORT = '3000', COUNTS } = process.env;

// Without a path the file is found by the user and the working directory, which are the same for all processes of the app.
const store = carapace.hostStore(COUNTS ? { path: COUNTS } : {});

const shield = carapace({
  rateLimit: { name: 'site', limit: 20, windowMs: 60_000, store },
  routes: { 'POST /login': { rateLimit: { name: 'login', limit: 5, windowMs: 60 * 60_000, store } } },
});

const app = express();
app.use(shield);
app.get('/', (request, response) => response.json({ process: process.pid }));
app.post('/login', (request, response) => response.status(401).json({ isRight: false }));
app.use(shield.errorHandler);

const server = app.listen(Number(PORT), (error) => {
  if (error) throw error;
  console.log(`process ${process.pid} listens on http://localhost:${server.address().port}`);
  // PM2's `wait_ready` waits for this word.
  process.send?.('ready');
});
shield.attach(server);

// PM2 says SIGINT, and SIGKILL after `kill_timeout`.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => shield.close({ timeoutMs: 5_000 }).then(() => process.exit(0)));
}
