// urlencoded() and queryParser() beside qs and node:querystring, interleaved in one process. `node --expose-gc bench/query.mjs`; the
// flags are in bench/harness/report.mjs, the budgets in bench/budgets.json.
import assert from 'node:assert/strict';
import * as subject from './shared/form-subjects.mjs';
import { interleave } from './harness.mjs';
import { openReport } from './harness/report.mjs';

const SAMPLE_BYTES = 1_000_000;
const BOMB_ROUNDS = 5;

const report = openReport('query', {
  about: 'From the text of a form or a query string to its value, dangerous keys taken out.',
  packages: ['qs', 'body-parser', 'express'],
  rounds: 25,
  quickRounds: 7,
});
const texts = Object.entries(subject.TEXTS).filter(([title]) => report.isWanted(title));

function run(length, subjects, rounds = report.rounds) {
  const iterations = Math.max(1, Math.min(20_000, Math.round(SAMPLE_BYTES / length)));
  const repeated = Object.entries(subjects).map(([name, work]) => [
    name,
    (count) => {
      for (let at = 0; at < count; at += 1) work();
    },
  ]);
  return interleave(rounds, Object.fromEntries(repeated), { iterations });
}

/** Benchmarks of what gives another value would say nothing. */
function checkValues(text, ...parsers) {
  const expected = JSON.stringify(subject.express(String(text)));
  for (const parse of parsers) assert.equal(JSON.stringify(parse(text)), expected);
}

function forms() {
  const add = report.group('form', {
    title: 'A form: bytes to value',
    subjects: { peer: 'qs, as in body-parser', carapace: 'carapace', hpp: 'carapace with hpp', twin: 'plain JS' },
  });
  const addFlat = report.group('form-flat', {
    title: 'A form with extended: false: bytes to value',
    subjects: { peer: 'qs without depth, as in body-parser', carapace: 'carapace' },
  });
  for (const [title, text] of texts) {
    const bytes = Buffer.from(text);
    checkValues(bytes, subject.bodyParser, subject.urlencoded, (given) => subject.twin(given.toString()));
    const results = run(bytes.length, {
      peer: () => subject.bodyParser(bytes),
      carapace: () => subject.urlencoded(bytes),
      hpp: () => subject.urlencodedHpp(bytes),
      twin: () => subject.twin(bytes.toString()),
      qsFlat: () => subject.bodyParser(bytes, false),
      flat: () => subject.urlencodedFlat(bytes),
    });
    add(title, results);
    addFlat(title, { peer: results.qsFlat, carapace: results.flat });
  }
}

function queries() {
  const add = report.group('query', {
    title: 'A query string: text to value',
    subjects: { peer: 'qs, as in Express', carapace: 'carapace', hpp: 'carapace with hpp', twin: 'plain JS' },
  });
  const addSimple = report.group('query-simple', {
    title: "A query string, parser 'simple': text to value",
    subjects: { peer: 'node:querystring', carapace: 'carapace' },
  });
  for (const [title, text] of texts) {
    checkValues(text, subject.query, subject.twin);
    assert.equal(JSON.stringify(subject.querySimple(text)), JSON.stringify(subject.simple(text)));
    const results = run(text.length, {
      peer: () => subject.express(text),
      carapace: () => subject.query(text),
      hpp: () => subject.queryHpp(text),
      twin: () => subject.twin(text),
      querystring: () => subject.simple(text),
      simple: () => subject.querySimple(text),
    });
    add(title, results);
    addSimple(title, { peer: results.querystring, carapace: results.simple });
  }
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
  const add = report.group('bombs', {
    title: 'A form that costs much: until refused, against qs without limits',
    subjects: { peer: 'qs without limits', carapace: 'carapace, refused', twice: 'refused at twice the size' },
  });
  const addGrowth = report.group('bombs-memory', {
    title: 'Resident memory that a thousand refusals leave',
    unit: 'MiB',
    subjects: { carapace: 'carapace' },
  });
  for (const [title, [text, rule]] of Object.entries(subject.BOMBS)) {
    if (!report.isWanted(title)) continue;
    const bytes = Buffer.from(text);
    const twice = Buffer.from(text + text);
    const refuse = (input) => () => refused(subject.urlencoded, input, rule);
    const subjects = { peer: () => subject.limitless(text), carapace: refuse(bytes), twice: refuse(twice) };
    add(title, run(bytes.length, subjects, BOMB_ROUNDS));
    addGrowth(title, { carapace: { median: growth(refuse(bytes)) / 2 ** 20 } });
  }
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

forms();
queries();
bombs();
report.finish();
