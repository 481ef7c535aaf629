'use strict';

// The chain in front of an Express app: what it refuses costs Express nothing. The app itself is as it was.
const http = require('node:http');
const carapace = require('carapace');
const express = require('express');

const shield = carapace({ rateLimit: { limit: 20, windowMs: 60_000 } });

const app = express();
app.set('trust proxy', 'loopback');
app.get('/', (request, response) => response.send(`hello, ${request.ip}\n`));
app.post('/echo', express.json(), (request, response) => response.json(request.body));

const server = http.createServer(shield.wrap(app));
server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`An Express app behind carapace listens on http://localhost:${server.address().port}`);
});

process.once('SIGTERM', () => server.close(() => process.exit(0)).closeAllConnections());
