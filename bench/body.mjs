// json() beside the packages it replaces, interleaved in one process. `node --expose-gc bench/body.mjs`; the flags are in
// bench/harness/report.mjs, the budgets in bench/budgets.json.
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import { BOMBS, CLEAN, FLAGGED } from './shared/bodies.mjs';
import { interleave, summarize } from './harness.mjs';
import { openReport } from './harness/report.mjs';
import { bombProof, floor, today, twin, withDefaultRules, withPatternsAndDepth } from './shared/json-subjects.mjs';

const require = createRequire(import.meta.url);
const { json } = require('../index.js');
const express = require('express');
const mongoSanitize = require('express-mongo-sanitize');
const { inflate } = require('../lib/body/inflate.js');

const SAMPLE_BYTES = 4_000_000;
const TODAY = 'JSON.parse and express-mongo-sanitize';

const report = openReport('body', {
  about: 'From the bytes of a JSON body to its value: parsing and taking out what must not be there.',
  packages: ['express', 'body-parser', 'express-mongo-sanitize'],
  rounds: 25,
  quickRounds: 7,
});
const isWanted = ([title]) => report.isWanted(title);

function repeat(work, bytes) {
  return (iterations) => {
    for (let count = 0; count < iterations; count += 1) work(bytes);
  };
}

function run(bytes, subjects) {
  const iterations = Math.max(1, Math.min(10_000, Math.round(SAMPLE_BYTES / bytes.length)));
  return interleave(
    report.rounds,
    Object.fromEntries(Object.entries(subjects).map(([name, work]) => [name, repeat(work, bytes)])),
    { iterations },
  );
}

function clean() {
  const rules = report.group('clean', {
    title: 'A clean body, all default rules: bytes to value',
    subjects: { peer: TODAY, carapace: 'carapace', twin: 'plain JS', floor: 'JSON.parse alone' },
    note: 'The plain JavaScript does the same checks but for duplicate keys and long numbers, which are gone after JSON.parse.',
  });
  const patterns = report.group('patterns', {
    title: 'A clean body, key patterns and depth only: bytes to value',
    subjects: { peer: TODAY, carapace: 'carapace', twin: 'plain JS', floor: 'JSON.parse alone' },
  });
  for (const [title, bytes] of Object.entries(CLEAN).filter(isWanted)) {
    const results = run(bytes, { floor, peer: today, twin, rules: withDefaultRules, patterns: withPatternsAndDepth });
    rules(title, { ...results, carapace: results.rules });
    patterns(title, { ...results, carapace: results.patterns });
  }
}

function flagged() {
  const add = report.group('flagged', {
    title: 'A body with an operator and __proto__: bytes to value',
    subjects: { peer: TODAY, carapace: 'carapace', twin: 'plain JS' },
  });
  for (const [title, bytes] of Object.entries(FLAGGED).filter(isWanted)) {
    add(title, run(bytes, { peer: today, twin, carapace: withDefaultRules }));
  }
}

async function bombs() {
  const refused = (bytes) => {
    try {
      bombProof(bytes);
    } catch {
      return;
    }
    throw new Error('a bomb came through');
  };
  const add = report.group('bombs', {
    title: 'A small text that costs much: until refused, against parsing it',
    subjects: { floor: 'JSON.parse', carapace: 'carapace, refused' },
  });
  for (const [title, bytes] of Object.entries(BOMBS).filter(isWanted)) {
    add(title, run(bytes, { floor, carapace: refused }));
  }
  if (report.isWanted('gzip of 50 MB')) add('gzip of 50 MB', await gzipBomb());
}

/** 48 KB of gzip that hold 50 MB, under the default limit of 100 KB. */
async function gzipBomb() {
  const bytes = zlib.gzipSync(Buffer.from(`["${'x'.repeat(50_000_000)}"]`));
  const floorSamples = [];
  const refused = [];
  for (let round = 0; round < 5; round += 1) {
    floorSamples.push(await time(async () => floor(zlib.gunzipSync(bytes))));
    refused.push(await time(() => new Promise((resolve) => inflate(bytes, 'gzip', 102_400, resolve))));
  }
  return { floor: summarize({ wall: floorSamples }), carapace: summarize({ wall: refused }) };
}

async function time(work) {
  const before = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - before);
}

/** A request whose body comes in one piece, without the cost of a real stream. */
class FakeRequest extends EventEmitter {
  constructor(length) {
    super();
    this.headers = { 'content-type': 'application/json', 'content-length': String(length) };
    this.socket = { readable: true };
    this.readable = true;
    this.complete = false;
    this.httpVersionMajor = 1;
  }

  isPaused() {
    return false;
  }
}

function middlewareSubject(bytes, middlewares) {
  return () => {
    const request = new FakeRequest(bytes.length);
    let step = 0;
    const next = (error) => {
      if (error) throw error;
      middlewares[step++]?.(request, {}, next);
    };
    next();
    request.emit('data', bytes);
    request.complete = true;
    request.emit('end');
    if (step <= middlewares.length) throw new Error('the chain did not end');
  };
}

function middlewares() {
  const add = report.group('middleware', {
    title: 'The middleware with a request',
    subjects: { peer: 'express.json and express-mongo-sanitize', carapace: 'carapace', floor: 'express.json alone' },
  });
  for (const [title, bytes] of Object.entries(CLEAN).filter(isWanted)) {
    if (!/ASCII/.test(title) || /10 MB/.test(title)) continue;
    const results = run(bytes, {
      floor: middlewareSubject(bytes, [express.json({ limit: '64mb' })]),
      peer: middlewareSubject(bytes, [express.json({ limit: '64mb' }), mongoSanitize()]),
      carapace: middlewareSubject(bytes, [json({ limit: '64mb', maxKeys: 10_000_000 })]),
    });
    add(title, results);
  }
}

clean();
flagged();
await bombs();
middlewares();
report.finish();
