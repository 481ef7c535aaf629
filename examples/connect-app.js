'use strict';

// Connect, the middleware server that Express began as.
const http = require('node:http');
const carapace = require('carapace');
const connect = require('connect');

const shield = carapace({ preset: 'api', rateLimit: { limit: 20, windowMs: 60_000 } });

const app = connect();
app.use(shield);
app.use('/echo', (request, response) => response.end(JSON.stringify(request.body)));
app.use('/fails', () => {
  throw new Error('what happened is nobody else’s business');
});
app.use('/', (request, response) => response.end('hello\n'));
app.use(shield.errorHandler);

const server = http.createServer(app);
server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`A Connect app behind carapace listens on http://localhost:${server.address().port}`);
});

process.once('SIGTERM', () => server.close(() => process.exit(0)).closeAllConnections());
