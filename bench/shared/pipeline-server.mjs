// One server of bench/pipeline.mjs, in a process of its own: `node pipeline-server.mjs <subject> <limit> [<port of Redis>]`. Tells its
// port, and on each message the CPU time that its main thread and the whole process have had, in nanoseconds.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import cors from 'cors';
import express from 'express4';
import mongoSanitize from 'express-mongo-sanitize';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import hpp from 'hpp';
import { Redis } from 'ioredis';
import { RedisStore } from 'rate-limit-redis';
import carapace from '../../index.js';
import { byHand } from './pipeline-by-hand.mjs';

const [, , subject, limitText, redisPort] = process.argv;
const limit = Number(limitText);
const origin = ['https://app.example.com', 'https://www.example.com'];
const WINDOW_MS = 3_600_000;

const require = createRequire(import.meta.url);
const DROP_INS = {
  helmet: require('carapace/helmet'),
  cors: require('carapace/cors'),
  rateLimit: require('carapace/express-rate-limit').rateLimit,
  ...require('carapace/body-parser'),
  mongoSanitize: require('carapace/express-mongo-sanitize'),
  hpp: require('carapace/hpp'),
};

/** What each subject puts before the handlers of an Express app, and before the app. */
const SUBJECTS = {
  // What no middleware can go below: a server that says what the scenario wants and nothing else.
  'node:http alone': () => ({
    before: [],
    wrap: () => (request, response) => ((response.statusCode = limit > 1 ? 204 : 429), response.end()),
  }),
  bare: () => ({ before: [] }),
  'bare + express.json': () => ({ before: [express.json()] }),
  stack: () => ({ before: stack({ helmet, cors, rateLimit, mongoSanitize, hpp, ...express }) }),
  'carapace, drop-ins': () => ({ before: stack(DROP_INS) }),
  'plain JS by hand': () => ({ before: [byHand({ origin, limit, windowMs: WINDOW_MS })] }),
  carapace: () => ({ before: [shield()] }),
  'carapace, wrapped': () => {
    const front = shield();
    return { before: [], wrap: (app) => front.wrap(app) };
  },
};

/** The stack of the guides, of the packages or of what takes their place when the imports are changed. */
function stack({ helmet, cors, rateLimit, json, urlencoded, mongoSanitize, hpp }) {
  return [
    helmet(),
    cors({ origin, credentials: true }),
    rateLimit({ limit, windowMs: WINDOW_MS, standardHeaders: 'draft-8', legacyHeaders: false, store: peerStore() }),
    json(),
    urlencoded({ extended: true }),
    mongoSanitize(),
    hpp(),
  ];
}

function shield() {
  return carapace({
    cors: { origin, credentials: true },
    rateLimit: { limit, windowMs: WINDOW_MS, algorithm: 'fixed-window', store: ownStore() },
  });
}

function peerStore() {
  if (!redisPort) return undefined;
  const client = new Redis({ port: Number(redisPort) });
  return new RedisStore({ sendCommand: (...words) => client.call(...words) });
}

function ownStore() {
  // A machine that is busy with all of them must not send hits to the stand-in.
  return redisPort ? carapace.redisStore({ url: `redis://127.0.0.1:${redisPort}`, timeoutMs: 10_000 }) : undefined;
}

const { before, wrap = (app) => app } = SUBJECTS[subject]();
const app = express();
for (const middleware of before) app.use(middleware);
app.get('/', (request, response) => response.json({ hello: 'world' }));
app.post('/', (request, response) => response.json({ hello: 'world' }));

const server = http.createServer(wrap(app));
// A server that waits for its turn keeps its connections, however long the others take.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.once('SIGINT', () => process.exit(0));
process.on('message', () => {
  const main = Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]);
  const { user, system } = process.cpuUsage();
  process.send({ main, all: (user + system) * 1000 });
});
