// The server of the soak: every part of the package at once, in front of an Express app. Says its port to its parent, and its
// memory and the delays of its event loop when it is asked.
import http from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import express from 'express';
import { z } from 'zod';
import carapace, { hostStore } from '../../index.mjs';

process.env.NODE_ENV = 'production';
const folder = mkdtempSync(join(tmpdir(), 'carapace-soak-'));
const store = hostStore({ path: join(folder, 'counts'), maxKeys: 10_000 });
const events = new Map();

const shield = carapace({
  preset: 'web',
  trustProxy: 1,
  onEvent: ({ stem, type }) => events.set(`${stem} ${type}`, (events.get(`${stem} ${type}`) ?? 0) + 1),
  securityHeaders: { preset: 'strict', contentSecurityPolicy: { nonce: ['script-src'] } },
  cors: { origin: ['https://app.example.com', 'https://*.preview.example.com', /^https:\/\/pr-\d+\.example\.com$/] },
  cookies: { sameSite: 'strict' },
  json: { limit: '10kb', readTimeoutMs: 8_000 },
  urlencoded: { limit: '10kb', readTimeoutMs: 8_000 },
  sanitize: { jsonStrings: true },
  hpp: { keep: 'last' },
  rateLimit: {
    policies: [
      { name: 'soak-steady', algorithm: 'sliding-window', limit: 600, windowMs: 10_000 },
      { name: 'soak-burst', algorithm: 'gcra', limit: 200, windowMs: 1_000 },
    ],
    store,
  },
  routes: {
    'POST /login': {
      login: { account: (request) => request.body?.email, limit: 5, blockMs: 2_000 },
      validate: { body: z.strictObject({ email: z.email(), password: z.string().max(100) }) },
    },
    'POST /notes/:id': { rateLimit: { name: 'soak-notes', algorithm: 'fixed-window', limit: 30, windowMs: 1_000 } },
    'GET /report': { mode: 'report' },
  },
});

const app = express();
app.use(shield);
app.get('/', (request, response) => response.send(`<script nonce="${response.locals.cspNonce}"></script>`));
app.get('/search', (request, response) => response.json(request.query));
app.get('/report', (request, response) => response.json(request.query));
app.post('/notes/:id', (request, response) => response.status(201).json(request.body ?? null));
app.post('/login', (request, response) => {
  response.cookie('session', 'x', { httpOnly: false });
  response.sendStatus(request.body.password === 'right' ? 204 : 401);
});
app.get('/fails', () => {
  throw new Error('inside');
});
app.get('/metrics', (request, response) => response.type('text').send(shield.metrics.text()));
app.use(shield.errorHandler);

const server = http.createServer({ connectionsCheckingInterval: 500 }, shield.wrap(app));
shield.attach(server, {
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 8_000,
  keepAliveTimeoutMs: 30_000,
  connectionsPerAddress: 1_000,
});
const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();

for (const type of ['uncaughtException', 'unhandledRejection', 'warning']) {
  process.on(type, (error) => process.send?.({ type, text: String(error?.stack ?? error).slice(0, 2_000) }));
}
process.on('message', async (message) => {
  if (message === 'measure') {
    globalThis.gc?.();
    const { heapUsed } = process.memoryUsage();
    process.send?.({ type: 'measured', heapUsed, p99: delays.percentile(99) / 1e6, longest: delays.max / 1e6 });
    delays.reset();
  }
  if (message === 'close') {
    const isWhole = await shield.close({ timeoutMs: 10_000 });
    rmSync(folder, { recursive: true });
    process.send?.({ type: 'closed', isWhole, events: [...events] });
    process.disconnect();
  }
});
server.listen(0, '127.0.0.1', () => process.send?.({ type: 'listening', port: server.address().port }));
