// What rate limiting costs a request and a key: against express-rate-limit 8.7 with its memory store, rate-limiter-flexible's
// memory limiter, and the same work in plain JavaScript. Requests and responses are those of Express on real ServerResponse
// objects; each request is awaited, because the peers answer by promises, and what a request costs without any limiter is
// taken off. The budgets are about the library's own work, so they take off Node's setHeader as well, which is the same for
// all: what the hand-written twin needs more with fields than without. Prints tables and one line of JSON; exits with 1 when over a budget.
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { isIPv4 } from 'node:net';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { rateLimit as peer, MemoryStore } from 'express-rate-limit';
import flexible from 'rate-limiter-flexible';
import { interleave, machine, printTable, quantile } from './harness.mjs';
import carapace from '../index.js';
import native from '../lib/loader.js';

const BUDGETS = {
  'draft-8 and legacy': 0.12,
  'draft-6 and legacy': 0.35,
  'no fields': 0.25,
  'store hit': 1.2,
  'memory for a million keys': 0.35,
};
const PEER = 'express-rate-limit';
const BY_HAND = 'plain JS by hand';
const LIMIT = 2 ** 31 - 1;
const WINDOW_MS = 60_000;
const KEYS = 1_000;
const MILLION = 1_000_000;

const address = (index) => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;

async function main(rounds) {
  const report = { benchmark: 'rate-limit', machine: machine(), rounds, results: {}, ratios: {} };
  for (const [title, fields] of Object.entries(FIELDS)) {
    const results = await interleaveRequests(rounds, middlewares(fields));
    report.results[title] = showRequests(title, results);
  }
  const bare = report.results['no fields'];
  for (const title of Object.keys(FIELDS)) {
    const results = report.results[title];
    const writing = results[BY_HAND].addedNs - bare[BY_HAND].addedNs;
    report.ratios[title] = ratio(results.carapace.addedNs - writing, results[PEER].addedNs - writing);
  }
  for (const [kind, keyOf] of Object.entries(KEY_KINDS)) {
    const title = `a store hit alone, ${kind} keys`;
    const results = interleave(rounds, storeSubjects(keyOf), { iterations: 50_000 });
    report.results[title] = showHits(title, results);
  }
  report.ratios['store hit'] = report.results[`a store hit alone, ${Object.keys(KEY_KINDS)[0]} keys`].carapace.ratio;
  report.results.memory = showMemory();
  report.ratios['memory for a million keys'] = report.results.memory.carapace.ratio;
  conclude(report);
}

function conclude(report) {
  const rows = Object.entries(BUDGETS).map(([what, allowed]) => ({ what, ratio: report.ratios[what], allowed }));
  printTable(
    "the library's own work, without Node's setHeader, of express-rate-limit's; the store hit of a Map's",
    rows,
  );
  report.budgets = rows;
  console.log(`\n${JSON.stringify(report)}`);
  for (const { what, ratio, allowed } of rows) {
    if (ratio <= allowed) continue;
    console.error(`over budget: ${what} is ${ratio}, allowed ${allowed}`);
    process.exitCode = 1;
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
  return Object.fromEntries(
    names.map((name) => {
      const { wall, cpu } = samples[name];
      const spread = { low: quantile(wall, 0.1), high: quantile(wall, 0.9) };
      return [name, { median: quantile(wall, 0.5), cpu: quantile(cpu, 0.5), ...spread }];
    }),
  );
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

function showRequests(title, results) {
  const base = results.none.cpu;
  const whole = results['express-rate-limit'].cpu - base;
  const entries = Object.entries(results).map(([name, result]) => {
    const added = result.cpu - base;
    return [
      name,
      { ns: round(result.median), cpuNs: round(result.cpu), addedNs: round(added), ratio: ratio(added, whole) },
    ];
  });
  printTable(
    `a request, ${title}`,
    entries.map(([subject, { ns, cpuNs, addedNs, ratio }]) => ({
      subject,
      'ns total': ns,
      'cpu ns': cpuNs,
      'cpu ns added': addedNs,
      'of express-rate-limit': ratio,
    })),
  );
  return Object.fromEntries(entries);
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

function showHits(title, results) {
  const base = results.none.median;
  const map = results['a Map doing the same'].median;
  const entries = Object.entries(results).map(([name, { median }]) => [
    name,
    {
      ns: round(median),
      addedNs: round(median - base),
      ratio: ratio(median, map),
      ratioAdded: ratio(median - base, map - base),
    },
  ]);
  printTable(
    title,
    entries.map(([subject, { ns, addedNs, ratio, ratioAdded }]) => ({
      subject,
      'ns with key and clock': ns,
      'of a Map': ratio,
      'ns alone': addedNs,
      'of a Map alone': ratioAdded,
    })),
  );
  return Object.fromEntries(entries);
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

function showMemory() {
  const file = fileURLToPath(import.meta.url);
  const measured = Object.keys(MEMORY).map((name) => {
    const { stdout } = spawnSync(process.execPath, ['--expose-gc', file, '--memory', name], { encoding: 'utf8' });
    return [name, JSON.parse(stdout).bytes];
  });
  const whole = Object.fromEntries(measured)['express-rate-limit'];
  const entries = measured.map(([name, bytes]) => [
    name,
    { bytesPerKey: round(bytes / MILLION), ratio: ratio(bytes, whole) },
  ]);
  printTable(
    'resident memory for a million keys',
    entries.map(([subject, { bytesPerKey, ratio }]) => ({
      subject,
      'bytes a key': bytesPerKey,
      'of express-rate-limit': ratio,
    })),
  );
  return Object.fromEntries(entries);
}

function round(number) {
  return Math.round(number);
}

function ratio(part, whole) {
  return Number((part / whole).toFixed(3));
}

if (process.argv[2] === '--memory') await measureMemory(process.argv[3]);
else await main(Number(process.argv[2] ?? 31));
