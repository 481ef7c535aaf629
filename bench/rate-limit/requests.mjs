// The limiters as middleware, on requests and responses of Express.
import http from 'node:http';
import express from 'express';
import { rateLimit as peer } from 'express-rate-limit';
import flexible from 'rate-limiter-flexible';
import { summarize } from '../harness.mjs';
import carapace from '../../index.js';
import { KEYS, LIMIT, WINDOW_MS, address } from './settings.mjs';
import { mapStore } from './stores.mjs';

export const FIELDS = {
  'draft-8 and legacy': { draft: 'draft-8', legacy: true },
  'draft-6 and legacy': { draft: 'draft-6', legacy: true },
  'no fields': { draft: false, legacy: false },
};

export function middlewares({ draft, legacy }) {
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

export async function interleaveRequests(rounds, subjects) {
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
