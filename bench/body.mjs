// json() beside the packages it replaces, interleaved in one process. `node --expose-gc bench/body.mjs`
// `--quick` runs fewer rounds, `--steady` takes the 10th percentile in place of the median (for a machine with neighbours),
// `--only <text>` only the bodies with that in their title, `--json <file>` writes the figures.
import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import zlib from 'node:zlib';
import { BOMBS, CLEAN, FLAGGED } from './shared/bodies.mjs';
import { interleave, machine, printTable, quantile } from './harness.mjs';
import { bombProof, floor, today, twin, withDefaultRules, withPatternsAndDepth } from './shared/json-subjects.mjs';

const require = createRequire(import.meta.url);
const { json } = require('../index.js');
const express = require('express');
const mongoSanitize = require('express-mongo-sanitize');
const { inflate } = require('../lib/body/inflate.js');

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    steady: { type: 'boolean' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
const ROUNDS = values.quick ? 7 : 25;
const SAMPLE_BYTES = 4_000_000;

/** What must hold, as shares of today's packages and of the floor; the floor's from 10 KB on. */
const BUDGETS = {
  rulesOfToday: 0.85,
  rulesOfFloor: 1.15,
  patternsOfToday: 0.75,
  patternsOfFloor: 1.06,
  sparseOfFloor: 1,
  flaggedOfToday: 1.2,
  bomb: 0.1,
};

const isWanted = ([title]) => !values.only || title.includes(values.only);
const misses = [];

function check(title, what, ratio, budget) {
  if (ratio > budget) misses.push(`${title}: ${what} ${ratio.toFixed(2)}, allowed ${budget}`);
}

function repeat(work, bytes) {
  return (iterations) => {
    for (let count = 0; count < iterations; count += 1) work(bytes);
  };
}

function run(bytes, subjects) {
  const iterations = Math.max(1, Math.min(10_000, Math.round(SAMPLE_BYTES / bytes.length)));
  const results = interleave(
    ROUNDS,
    Object.fromEntries(Object.entries(subjects).map(([name, work]) => [name, repeat(work, bytes)])),
    { iterations },
  );
  return Object.fromEntries(
    Object.entries(results).map(([name, { median, low }]) => [name, values.steady ? low : median]),
  );
}

const micro = (nanoseconds) => (nanoseconds / 1000).toFixed(nanoseconds < 100_000 ? 2 : 0);
const ratio = (left, right) => (left / right).toFixed(2);

function clean() {
  return Object.entries(CLEAN)
    .filter(isWanted)
    .map(([title, bytes]) => {
      const times = run(bytes, { floor, today, twin, rules: withDefaultRules, patterns: withPatternsAndDepth });
      check(title, 'default rules, of today', times.rules / times.today, BUDGETS.rulesOfToday);
      check(title, 'patterns and depth, of today', times.patterns / times.today, BUDGETS.patternsOfToday);
      if (bytes.length > 9_000) {
        check(title, 'default rules, of the floor', times.rules / times.floor, BUDGETS.rulesOfFloor);
        check(title, 'patterns and depth, of the floor', times.patterns / times.floor, BUDGETS.patternsOfFloor);
      }
      if (title.includes('sparse') && process.version.startsWith('v20.')) {
        check(title, 'default rules, of the floor', times.rules / times.floor, BUDGETS.sparseOfFloor);
      }
      return { title, bytes: bytes.length, ...times };
    });
}

function flagged() {
  return Object.entries(FLAGGED)
    .filter(isWanted)
    .map(([title, bytes]) => {
      const times = run(bytes, { today, twin, rules: withDefaultRules });
      check(title, 'of today', times.rules / times.today, BUDGETS.flaggedOfToday);
      return { title, bytes: bytes.length, ...times };
    });
}

function bombs() {
  const refused = (bytes) => {
    try {
      bombProof(bytes);
    } catch {
      return;
    }
    throw new Error('a bomb came through');
  };
  return Object.entries(BOMBS)
    .filter(isWanted)
    .map(([title, bytes]) => {
      const times = run(bytes, { parse: floor, refused });
      check(title, 'of JSON.parse', times.refused / times.parse, BUDGETS.bomb);
      return { title, bytes: bytes.length, ...times };
    });
}

/** 48 KB of gzip that hold 50 MB, under the default limit of 100 KB. */
async function gzipBomb() {
  const bytes = zlib.gzipSync(Buffer.from(`["${'x'.repeat(50_000_000)}"]`));
  const parse = [];
  const refused = [];
  for (let round = 0; round < 5; round += 1) {
    parse.push(await time(async () => floor(zlib.gunzipSync(bytes))));
    refused.push(await time(() => new Promise((resolve) => inflate(bytes, 'gzip', 102_400, resolve))));
  }
  const times = { parse: quantile(parse, 0.5), refused: quantile(refused, 0.5) };
  check('gzip of 50 MB', 'of JSON.parse', times.refused / times.parse, BUDGETS.bomb);
  return { title: 'gzip of 50 MB', bytes: bytes.length, ...times };
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
  return Object.entries(CLEAN)
    .filter(isWanted)
    .filter(([title]) => /ASCII/.test(title) && !/10 MB/.test(title))
    .map(([title, bytes]) => {
      const times = run(bytes, {
        express: middlewareSubject(bytes, [express.json({ limit: '64mb' })]),
        today: middlewareSubject(bytes, [express.json({ limit: '64mb' }), mongoSanitize()]),
        carapace: middlewareSubject(bytes, [json({ limit: '64mb', maxKeys: 10_000_000 })]),
      });
      return { title, bytes: bytes.length, ...times };
    });
}

function show(title, rows, columns) {
  if (rows.length === 0) return;
  printTable(
    title,
    rows.map((row) => ({
      body: row.title,
      ...Object.fromEntries(Object.entries(columns).map(([name, cell]) => [name, cell(row)])),
    })),
  );
}

const report = {
  benchmark: 'body',
  machine: machine(),
  rounds: ROUNDS,
  clean: clean(),
  flagged: flagged(),
  bombs: bombs(),
  middleware: middlewares(),
};
if (!values.only || 'gzip'.includes(values.only)) report.bombs.push(await gzipBomb());

show('bytes to value, µs and ratios', report.clean, {
  floor: (row) => micro(row.floor),
  today: (row) => micro(row.today),
  'plain JS': (row) => micro(row.twin),
  rules: (row) => micro(row.rules),
  patterns: (row) => micro(row.patterns),
  'rules/today': (row) => ratio(row.rules, row.today),
  'rules/floor': (row) => ratio(row.rules, row.floor),
  'rules/plain JS': (row) => ratio(row.rules, row.twin),
  'patterns/today': (row) => ratio(row.patterns, row.today),
  'patterns/floor': (row) => ratio(row.patterns, row.floor),
});
show('a body with an operator and __proto__, µs', report.flagged, {
  today: (row) => micro(row.today),
  'plain JS': (row) => micro(row.twin),
  rules: (row) => micro(row.rules),
  'rules/today': (row) => ratio(row.rules, row.today),
  'rules/plain JS': (row) => ratio(row.rules, row.twin),
});
show('bombs: until refused, against JSON.parse, µs', report.bombs, {
  'JSON.parse': (row) => micro(row.parse),
  refused: (row) => micro(row.refused),
  share: (row) => (row.refused / row.parse).toFixed(3),
});
show('the middleware with a request, µs', report.middleware, {
  'express.json': (row) => micro(row.express),
  'with express-mongo-sanitize': (row) => micro(row.today),
  'json()': (row) => micro(row.carapace),
  'of both': (row) => ratio(row.carapace, row.today),
  'of express.json': (row) => ratio(row.carapace, row.express),
});
report.misses = misses;
console.log(misses.length === 0 ? '\nevery budget holds' : `\nover budget:\n  ${misses.join('\n  ')}`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
