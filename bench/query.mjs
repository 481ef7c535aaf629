// urlencoded() and queryParser() beside qs and node:querystring, interleaved in one process. `node --expose-gc bench/query.mjs`
// `--quick` runs fewer rounds, `--steady` takes the 10th percentile in place of the median (for a machine with neighbours),
// `--only <text>` only the texts with that in their title, `--json <file>` writes the figures. It fails when over budget.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as subject from './shared/form-subjects.mjs';
import { interleave, machine, printTable } from './harness.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    steady: { type: 'boolean' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
const ROUNDS = values.quick ? 7 : 25;
const SAMPLE_BYTES = 1_000_000;

const BOMB_ROUNDS = 5;

/** What must hold, as a share of qs; a bomb's as a share of qs without limits. */
const BUDGETS = { ofQs: 0.6, bomb: 0.1 };

const misses = [];

function check(title, what, ratio, budget) {
  if (ratio > budget) misses.push(`${title}: ${what} ${ratio.toFixed(2)}, allowed ${budget}`);
}

function run(length, subjects, rounds = ROUNDS) {
  const iterations = Math.max(1, Math.min(20_000, Math.round(SAMPLE_BYTES / length)));
  const repeated = Object.entries(subjects).map(([name, work]) => [
    name,
    (count) => {
      for (let at = 0; at < count; at += 1) work();
    },
  ]);
  const results = interleave(rounds, Object.fromEntries(repeated), { iterations });
  return Object.fromEntries(
    Object.entries(results).map(([name, { median, low }]) => [name, values.steady ? low : median]),
  );
}

const isWanted = ([title]) => !values.only || title.includes(values.only);
const texts = Object.entries(subject.TEXTS).filter(isWanted);

/** Benchmarks of what gives another value would say nothing. */
function checkValues(text, ...parsers) {
  const expected = JSON.stringify(subject.express(String(text)));
  for (const parse of parsers) assert.equal(JSON.stringify(parse(text)), expected);
}

function forms() {
  return texts.map(([title, text]) => {
    const bytes = Buffer.from(text);
    checkValues(bytes, subject.bodyParser, subject.urlencoded, (given) => subject.twin(given.toString()));
    const times = run(bytes.length, {
      qs: () => subject.bodyParser(bytes),
      carapace: () => subject.urlencoded(bytes),
      hpp: () => subject.urlencodedHpp(bytes),
      twin: () => subject.twin(bytes.toString()),
      qsFlat: () => subject.bodyParser(bytes, false),
      flat: () => subject.urlencodedFlat(bytes),
    });
    check(`form, ${title}`, 'of qs', times.carapace / times.qs, BUDGETS.ofQs);
    check(`form, ${title}`, 'extended: false, of qs', times.flat / times.qsFlat, BUDGETS.ofQs);
    return { title, bytes: bytes.length, ...times };
  });
}

function queries() {
  return texts.map(([title, text]) => {
    checkValues(text, subject.query, subject.twin);
    assert.equal(JSON.stringify(subject.querySimple(text)), JSON.stringify(subject.simple(text)));
    const times = run(text.length, {
      qs: () => subject.express(text),
      carapace: () => subject.query(text),
      hpp: () => subject.queryHpp(text),
      twin: () => subject.twin(text),
      querystring: () => subject.simple(text),
      simple: () => subject.querySimple(text),
    });
    check(`query, ${title}`, 'of qs', times.carapace / times.qs, BUDGETS.ofQs);
    return { title, bytes: text.length, ...times };
  });
}

/** Whether a text is refused by the rule; anything else ends the benchmark. */
function refused(parse, input, rule) {
  try {
    parse(input);
  } catch (error) {
    if (error.rule === rule) return;
    throw error;
  }
  throw new Error('a bomb came through');
}

function bombs() {
  return Object.entries(subject.BOMBS)
    .filter(isWanted)
    .map(([title, [text, rule]]) => {
      const bytes = Buffer.from(text);
      const twice = Buffer.from(text + text);
      const refuse = (input) => () => refused(subject.urlencoded, input, rule);
      const times = run(
        bytes.length,
        { qs: () => subject.limitless(text), refused: refuse(bytes), twice: refuse(twice) },
        BOMB_ROUNDS,
      );
      check(title, 'of qs without limits', times.refused / times.qs, BUDGETS.bomb);
      return { title, bytes: bytes.length, ...times, grown: growth(refuse(bytes)) };
    });
}

/** Bytes of memory that a thousand refusals leave. */
function growth(work) {
  for (let at = 0; at < 200; at += 1) work();
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  for (let at = 0; at < 1_000; at += 1) work();
  globalThis.gc?.();
  return process.memoryUsage().rss - before;
}

const micro = (nanoseconds) => (nanoseconds / 1000).toFixed(nanoseconds < 100_000 ? 2 : 0);
const ratio = (left, right) => (left / right).toFixed(2);

function show(title, rows, columns) {
  if (rows.length === 0) return;
  const cells = rows.map((row) => [
    ['text', row.title],
    ...Object.entries(columns).map(([name, cell]) => [name, cell(row)]),
  ]);
  printTable(title, cells.map(Object.fromEntries));
}

const report = {
  benchmark: 'query',
  machine: machine(),
  rounds: ROUNDS,
  forms: forms(),
  queries: queries(),
  bombs: bombs(),
};

show('forms: bytes to value, µs and ratios', report.forms, {
  'qs (body-parser)': (row) => micro(row.qs),
  'plain JS': (row) => micro(row.twin),
  carapace: (row) => micro(row.carapace),
  'with hpp': (row) => micro(row.hpp),
  'of qs': (row) => ratio(row.carapace, row.qs),
  'of plain JS': (row) => ratio(row.carapace, row.twin),
  'flat, of qs': (row) => ratio(row.flat, row.qsFlat),
});
show('query strings: text to value, µs and ratios', report.queries, {
  'qs (Express)': (row) => micro(row.qs),
  'plain JS': (row) => micro(row.twin),
  carapace: (row) => micro(row.carapace),
  'with hpp': (row) => micro(row.hpp),
  'of qs': (row) => ratio(row.carapace, row.qs),
  'of plain JS': (row) => ratio(row.carapace, row.twin),
  'node:querystring': (row) => micro(row.querystring),
  simple: (row) => micro(row.simple),
  'of querystring': (row) => ratio(row.simple, row.querystring),
});
show('bombs through a form: until refused, µs', report.bombs, {
  'qs without limits': (row) => micro(row.qs),
  refused: (row) => micro(row.refused),
  share: (row) => (row.refused / row.qs).toFixed(4),
  'twice the size': (row) => ratio(row.twice, row.refused),
  'RSS after 1,000': (row) => `${(row.grown / 2 ** 20).toFixed(1)} MiB`,
});
report.misses = misses;
console.log(misses.length === 0 ? '\nevery budget holds' : `\nover budget:\n  ${misses.join('\n  ')}`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
if (misses.length > 0) process.exitCode = 1;
