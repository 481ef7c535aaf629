// The server that the abuse scripts attack: every part of the chain on, in front of an app that says what reached it.
// Says its port and, every second, its memory and open handles to its parent.
import http from 'node:http';
import carapace from '../../index.mjs';

process.env.NODE_ENV = 'production';
const shield = carapace({
  json: { limit: '10kb', readTimeoutMs: 2_000 },
  urlencoded: { limit: '10kb', readTimeoutMs: 2_000 },
  rateLimit: {
    policies: [
      { name: 'all', limit: 1_000_000_000, windowMs: 60_000 },
      { name: 'burst', algorithm: 'gcra', limit: 1_000_000, windowMs: 1_000 },
    ],
    skipFailedRequests: true,
  },
});

/**
 * Whether there is a key left that must have been taken away.
 * @param {unknown} value
 * @returns {boolean}
 */
function holdsForbiddenKey(value) {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, member]) => key === '__proto__' || /(^|\.)\$/.test(key) || holdsForbiddenKey(member),
  );
}

/** @type {http.RequestListener} */
function app(request, response) {
  const { query, body } = /** @type {any} */ (request);
  const text = JSON.stringify({ query: query ?? null, body: body ?? null }) ?? '';
  if (holdsForbiddenKey([query, body])) process.send?.({ type: 'breach', text: text.slice(0, 500) });
  response.setHeader('content-type', 'application/json');
  response.end(text);
}

const server = http.createServer({ connectionsCheckingInterval: 500 }, shield.wrap(app));
shield.attach(server, { headersTimeoutMs: 3_000, requestTimeoutMs: 5_000 });

for (const type of ['uncaughtException', 'unhandledRejection']) {
  process.on(type, (error) => process.send?.({ type, text: String(error?.stack ?? error).slice(0, 2_000) }));
}
process.on('message', (message) => {
  if (message === 'measure') {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    process.send?.({ type: 'measured', rss, heapUsed, handles: process.getActiveResourcesInfo().length });
  }
});
server.listen(0, '127.0.0.1', () => process.send?.({ type: 'listening', port: server.address().port }));
