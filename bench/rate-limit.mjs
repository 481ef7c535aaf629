// What rate limiting costs a request and a key: against express-rate-limit 8.7 with its memory store, rate-limiter-flexible's
// memory limiter, and the same work in plain JavaScript. Requests and responses are those of Express on real ServerResponse
// objects; each request is awaited, because the peers answer by promises, and what a request costs without any limiter is
// taken off. The library's own work is without Node's setHeader as well, which is the same for all: what the hand-written
// twin needs more with fields than without. The flags are in bench/harness/report.mjs, the budgets in bench/budgets.json.
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { isIPv4 } from 'node:net';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { rateLimit as peer, MemoryStore } from 'express-rate-limit';
import flexible from 'rate-limiter-flexible';
import { interleave, summarize } from './harness.mjs';
import { openReport } from './harness/report.mjs';
import carapace from '../index.js';
import native from '../lib/loader.js';

const LIMIT = 2 ** 31 - 1;
const WINDOW_MS = 60_000;
const KEYS = 1_000;
const MILLION = 1_000_000;

const address = (index) => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;

const ROLES = {
  none: 'none',
  'express-rate-limit': 'peer',
  'rate-limiter-flexible': 'flexible',
  carapace: 'carapace',
  'carapace, fixed window': 'fixed',
  'plain JS by hand': 'twin',
  'a Map': 'twin',
  'a Map doing the same': 'twin',
  'a Map, fixed window, key as it is': 'simple',
};
const named = (results) => Object.fromEntries(Object.entries(results).map(([name, result]) => [ROLES[name], result]));

async function main() {
  const report = openReport('rate-limit', {
    about: 'What a limiter adds to a request in CPU time, a hit in its store, and the memory of a key.',
    packages: ['express-rate-limit', 'rate-limiter-flexible', 'express'],
    rounds: 31,
    quickRounds: 9,
  });
  await addRequests(report);
  addHits(report);
  addMemory(report);
  report.finish();
}

async function addRequests(report) {
  const add = report.group('request', {
    title: 'A limiter on each request: CPU time added',
    by: 'added',
    subjects: {
      peer: 'express-rate-limit',
      flexible: 'rate-limiter-flexible',
      carapace: 'carapace',
      fixed: 'carapace, fixed window',
      twin: 'plain JS by hand',
    },
    note: 'By hand is a fixed window in a Map without bound, canonical addresses or other algorithms.',
  });
  const addOwn = report.group('own', {
    title: "The limiter's own work, without Node's setHeader: CPU time",
    by: 'own',
    subjects: { peer: 'express-rate-limit', carapace: 'carapace', twin: 'plain JS by hand' },
    note: 'What the fields cost the hand-written limiter is taken off everybody.',
  });
  const all = {};
  for (const [title, fields] of Object.entries(FIELDS)) {
    const results = await interleaveRequests(report.rounds, middlewares(fields));
    all[title] = named(results);
    for (const result of Object.values(all[title])) result.added = result.cpu - results.none.cpu;
    add(title, all[title]);
  }
  for (const [title, subjects] of Object.entries(all)) {
    const writing = subjects.twin.added - all['no fields'].twin.added;
    const own = Object.entries(subjects).map(([role, result]) => [role, { ...result, own: result.added - writing }]);
    addOwn(title, Object.fromEntries(own));
  }
}

// The middleware, for each request.

const FIELDS = {
  'draft-8 and legacy': { draft: 'draft-8', legacy: true },
  'draft-6 and legacy': { draft: 'draft-6', legacy: true },
  'no fields': { draft: false, legacy: false },
};

function middlewares({ draft, legacy }) {
  const common = { windowMs: WINDOW_MS, limit: LIMIT };
  const fields = draft === false ? {} : { headers: draft };
  return {
    none: (_request, _response, next) => next(),
    'express-rate-limit': peer({ ...common, standardHeaders: draft, legacyHeaders: legacy }),
    'rate-limiter-flexible': flexibleMiddleware(draft, legacy),
    carapace: carapace.rateLimit({ ...common, headers: false, ...fields, legacyHeaders: legacy }),
    'carapace, fixed window': carapace.rateLimit({
      ...common,
      headers: false,
      ...fields,
      legacyHeaders: legacy,
      algorithm: 'fixed-window',
    }),
    'plain JS by hand': byHand(draft, legacy),
  };
}

/** What its documentation shows for Express. */
function flexibleMiddleware(draft, legacy) {
  const limiter = new flexible.RateLimiterMemory({ points: LIMIT, duration: WINDOW_MS / 1000 });
  return (request, response, next) => {
    limiter.consume(request.ip).then(({ remainingPoints, msBeforeNext }) => {
      writeFields(response, draft, legacy, remainingPoints, Date.now() + msBeforeNext, Date.now());
      next();
    }, next);
  };
}

/** A fixed window in a Map, as a careful app would write it: no bound, no canonical addresses, no other algorithm. */
function byHand(draft, legacy) {
  const hit = mapStore();
  return (request, response, next) => {
    const now = Date.now();
    const client = hit(request.ip, now);
    request.rateLimit = {
      limit: LIMIT,
      used: client.hits,
      remaining: LIMIT - client.hits,
      resetTime: new Date(client.end),
    };
    writeFields(response, draft, legacy, LIMIT - client.hits, client.end, now);
    next();
  };
}

function writeFields(response, draft, legacy, remaining, end, now) {
  const seconds = Math.ceil((end - now) / 1000);
  if (draft === 'draft-8') {
    response.setHeader('ratelimit-policy', `"api"; q=${LIMIT}; w=60`);
    response.setHeader('ratelimit', `"api"; r=${remaining}; t=${seconds}`);
  } else if (draft === 'draft-6') {
    response.setHeader('ratelimit-policy', `${LIMIT};w=60`);
    response.setHeader('ratelimit-limit', `${LIMIT}`);
    response.setHeader('ratelimit-remaining', `${remaining}`);
    response.setHeader('ratelimit-reset', `${seconds}`);
  }
  if (!legacy) return;
  response.setHeader('x-ratelimit-limit', `${LIMIT}`);
  response.setHeader('x-ratelimit-remaining', `${remaining}`);
  response.setHeader('x-ratelimit-reset', `${Math.ceil(end / 1000)}`);
}

async function interleaveRequests(rounds, subjects) {
  const names = Object.keys(subjects);
  const samples = Object.fromEntries(names.map((name) => [name, { wall: [], cpu: [] }]));
  for (let round = -5; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round + 5) % names.length];
      const sample = await measureRequests(subjects[name], 20_000);
      if (round < 0) continue;
      samples[name].wall.push(sample.wall);
      samples[name].cpu.push(sample.cpu);
    }
  }
  return Object.fromEntries(names.map((name) => [name, summarize(samples[name])]));
}

const app = express();
const sockets = Array.from({ length: KEYS }, (_, index) => ({ remoteAddress: address(index), encrypted: false }));

async function measureRequests(middleware, iterations) {
  const { request: requestPrototype, response: responsePrototype } = app;
  // No forced collection between samples: it throws away compiled code along with the garbage, which no server does to
  // itself. What each subject leaves behind is collected in its own time, as it comes.
  const before = process.hrtime.bigint();
  const cpuBefore = process.cpuUsage();
  for (let count = 0; count < iterations; count += 1) {
    const request = Object.create(requestPrototype);
    request.socket = request.connection = sockets[count % KEYS];
    request.headers = {};
    request.method = 'GET';
    const response = new http.ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1, headers: {} });
    Object.setPrototypeOf(response, responsePrototype);
    await new Promise((resolve) => middleware(request, response, resolve));
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const wall = Number(process.hrtime.bigint() - before) / iterations;
  return { wall, cpu: ((user + system) * 1000) / iterations };
}

// The store alone.

/** A connection's address is one string for all its requests; a header's is a new one each time. */
const known = Array.from({ length: KEYS * 10 }, (_, index) => address(index));
const KEY_KINDS = {
  fresh: (count) => address(count % (KEYS * 10)),
  known: (count) => known[count % (KEYS * 10)],
};

function mapStore() {
  const clients = new Map();
  return function hit(key, now) {
    let client = clients.get(key);
    if (client === undefined) clients.set(key, (client = { hits: 0, end: now + WINDOW_MS }));
    else if (client.end <= now) [client.hits, client.end] = [0, now + WINDOW_MS];
    client.hits += 1;
    return client;
  };
}

/**
 * The same work in plain JavaScript: a canonical key, a sliding window counter, a bound, and all that a decision tells. An
 * IPv6 address, which takes more, does not come here.
 */
function twinStore(maxKeys) {
  const clients = new Map();
  const out = new Float64Array(8);
  function hit(key, now) {
    const name = isIPv4(key) ? key : key.toLowerCase();
    let client = clients.get(name);
    if (client === undefined) {
      if (clients.size >= maxKeys) clients.delete(clients.keys().next().value);
      clients.set(name, (client = { start: now, current: 0, previous: 0 }));
    }
    const age = now - client.start;
    if (age >= WINDOW_MS) {
      client.previous = age < 2 * WINDOW_MS ? client.current : 0;
      client.current = 0;
      client.start += WINDOW_MS * Math.floor(age / WINDOW_MS);
    }
    const weight = (WINDOW_MS - (now - client.start)) / WINDOW_MS;
    const before = Math.ceil(client.previous * weight) + client.current;
    const isAllowed = before + 1 <= LIMIT;
    if (isAllowed) client.current += 1;
    const used = before + (isAllowed ? 1 : 0);
    out[0] = isAllowed ? 1 : 0;
    out[1] = used;
    out[2] = LIMIT - used;
    out[3] = client.start + 2 * WINDOW_MS;
    out[4] = isAllowed ? 0 : client.start + WINDOW_MS - now;
    out[5] = 0;
    out[6] = LIMIT;
    out[7] = 0;
    return isAllowed ? 1 : 0;
  }
  return Object.assign(hit, { out });
}

function storeSubjects(keyOf) {
  const hitMap = mapStore();
  const twin = twinStore(MILLION);
  const { hit } = native.createRateLimiter(
    { policies: [{ limit: LIMIT, windowMs: WINDOW_MS }] },
    native.ClientRules.compile({}),
  );
  // Keeps the work from being optimized away.
  const sink = { sum: 0 };
  return {
    none: (iterations) => {
      for (let count = 0; count < iterations; count += 1) sink.sum += keyOf(count).length + Date.now();
    },
    'a Map, fixed window, key as it is': (iterations) => {
      for (let count = 0; count < iterations; count += 1) sink.sum += hitMap(keyOf(count), Date.now()).hits;
    },
    'a Map doing the same': (iterations) => {
      for (let count = 0; count < iterations; count += 1) {
        twin(keyOf(count), Date.now());
        sink.sum += twin.out[1];
      }
    },
    carapace: (iterations) => {
      for (let count = 0; count < iterations; count += 1) {
        hit(keyOf(count), '', Date.now());
        sink.sum += hit.out[1];
      }
    },
  };
}

function addHits(report) {
  const add = report.group('store', {
    title: 'A hit in the store, clock and key included',
    subjects: {
      carapace: 'carapace',
      twin: 'a Map doing the same',
      simple: 'a Map, fixed window',
      floor: 'key and clock alone',
    },
    note: 'Doing the same: canonical key, sliding window, bound. Known addresses are strings that were there before; fresh ones come from a header.',
  });
  for (const [kind, keyOf] of Object.entries(KEY_KINDS)) {
    const results = interleave(report.rounds, storeSubjects(keyOf), { iterations: 50_000 });
    add(`${kind} addresses`, { ...named(results), floor: results.none });
  }
}

// Memory, each in a process of its own.

const MEMORY = {
  'express-rate-limit': async () => {
    const store = new MemoryStore();
    store.init({ windowMs: WINDOW_MS * 60 });
    for (let index = 0; index < MILLION; index += 1) await store.increment(address(index));
    return store;
  },
  'rate-limiter-flexible': async () => {
    const limiter = new flexible.RateLimiterMemory({ points: LIMIT, duration: 3_600 });
    for (let index = 0; index < MILLION; index += 1) await limiter.consume(address(index));
    return limiter;
  },
  'a Map': async () => {
    const hit = mapStore();
    for (let index = 0; index < MILLION; index += 1) hit(address(index), 0);
    return hit;
  },
  carapace: async () => {
    const limiter = native.createRateLimiter(
      { policies: [{ limit: LIMIT, windowMs: WINDOW_MS * 60 }], maxKeys: MILLION },
      native.ClientRules.compile({}),
    );
    const now = Date.now();
    for (let index = 0; index < MILLION; index += 1) limiter.hit(address(index), '', now);
    return limiter;
  },
};

async function measureMemory(name) {
  globalThis.gc();
  const before = process.memoryUsage().rss;
  const kept = await MEMORY[name]();
  globalThis.gc();
  globalThis.gc();
  console.log(JSON.stringify({ bytes: process.memoryUsage().rss - before, kept: typeof kept }));
  process.exit(0);
}

function addMemory(report) {
  const add = report.group('memory', {
    title: 'Resident memory of a million keys, for each',
    unit: 'B',
    subjects: { peer: 'express-rate-limit', flexible: 'rate-limiter-flexible', carapace: 'carapace', twin: 'a Map' },
  });
  const file = fileURLToPath(import.meta.url);
  const measured = Object.keys(MEMORY).map((name) => {
    const { stdout } = spawnSync(process.execPath, ['--expose-gc', file, '--memory', name], { encoding: 'utf8' });
    return [name, { median: JSON.parse(stdout).bytes / MILLION }];
  });
  add('a million keys', named(Object.fromEntries(measured)));
}

if (process.argv[2] === '--memory') await measureMemory(process.argv[3]);
else await main();
