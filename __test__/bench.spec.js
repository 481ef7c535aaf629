'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');
const { before, describe, it } = require('node:test');

const root = join(__dirname, '..');
const load = (file) => import(`../bench/${file}`);

/** A record as small as one can be. */
function record(change = {}) {
  return {
    benchmark: 'part',
    about: 'Something.',
    date: '2026-11-20',
    rounds: 3,
    machine: { node: 'v20.0.0', cpu: 'one', platform: 'linux-x64' },
    groups: [
      {
        id: 'part.group',
        title: 'A group',
        unit: 'ns',
        by: 'median',
        subjects: { peer: 'the peer', carapace: 'carapace', twin: 'by hand' },
        figures: [
          {
            id: 'part.group.one',
            title: 'one',
            subjects: { peer: { median: 200, low: 190, high: 230 }, carapace: { median: 100 }, twin: { median: 80 } },
          },
        ],
      },
    ],
    ...change,
  };
}

describe('quantiles', () => {
  let harness;
  before(async () => (harness = await load('harness.mjs')));

  it('are samples, whatever their order', () => {
    assert.equal(harness.quantile([5, 1, 4, 2, 3], 0.5), 3);
    assert.equal(harness.quantile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 0.1), 2);
    assert.equal(harness.quantile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 0.9), 10);
    assert.equal(harness.quantile([1, 2], 1), 2);
    assert.equal(harness.quantile([7], 0.9), 7);
  });

  it('sort numbers as numbers and leave the samples as they were', () => {
    const samples = [100, 20, 3];
    assert.equal(harness.quantile(samples, 0.5), 20);
    assert.deepEqual(samples, [100, 20, 3]);
  });

  it('make a summary, with CPU time where there is some', () => {
    assert.deepEqual(harness.summarize({ wall: [3, 1, 2] }), { median: 2, low: 1, high: 3 });
    assert.equal(harness.summarize({ wall: [1], cpu: [9, 7, 8] }).cpu, 8);
  });

  it('interleave runs each subject as often, and counts neither warm-up nor order', () => {
    const turns = [];
    const subject = (name) => () => turns.push(name);
    const results = harness.interleave(2, { a: subject('a'), b: subject('b') }, { iterations: 1 });
    assert.deepEqual(turns, ['a', 'b', 'b', 'a', 'a', 'b', 'b', 'a']);
    assert.deepEqual(Object.keys(results), ['a', 'b']);
  });
});

describe('a budget', () => {
  let budgets;
  let figures;
  before(async () => {
    budgets = await load('harness/budgets.mjs');
    figures = (await load('harness/records.mjs')).figuresOf([record()]);
  });
  const verdicts = (given) =>
    budgets
      .judge(budgets.readBudgets(JSON.stringify({ 'part.group.one': given })), figures)
      .map(({ verdict }) => verdict);

  it('holds up to its number and not above', () => {
    assert.deepEqual(verdicts({ of: 'peer', atMost: 0.5 }), ['pass']);
    assert.deepEqual(verdicts({ of: 'peer', atMost: 0.499 }), ['miss']);
  });

  it('compares with whom it names, or with the number itself', () => {
    assert.deepEqual(verdicts({ of: 'twin', atMost: 1.2 }), ['miss']);
    assert.deepEqual(verdicts({ of: 'twin', atMost: 1.25 }), ['pass']);
    assert.deepEqual(verdicts({ atMost: 100 }), ['pass']);
    assert.deepEqual(verdicts({ subject: 'twin', of: 'peer', atMost: 0.39 }), ['miss']);
  });

  it('that is known to be missed fails only beyond what is known', () => {
    assert.deepEqual(verdicts({ of: 'peer', atMost: 0.4, known: 'the clock', knownUpTo: 0.55 }), ['known miss']);
    assert.deepEqual(verdicts({ of: 'peer', atMost: 0.4, known: 'the clock', knownUpTo: 0.45 }), ['miss']);
    assert.deepEqual(verdicts({ of: 'peer', atMost: 0.6, known: 'the clock', knownUpTo: 0.7 }), ['pass']);
    assert.equal(budgets.isFailure({ verdict: 'known miss' }), false);
    assert.equal(budgets.isFailure({ verdict: 'miss' }), true);
  });

  it('without a figure fails', () => {
    assert.deepEqual(verdicts([{ of: 'floor', atMost: 1 }]), ['no figure']);
    const [judged] = budgets.judge(budgets.readBudgets('{"part.group.two":{"of":"peer","atMost":1}}'), figures);
    assert.equal(judged.verdict, 'no figure');
    assert.equal(budgets.isFailure(judged), true);
  });

  it('may be one of several of a figure', () => {
    assert.deepEqual(
      verdicts([
        { of: 'peer', atMost: 1 },
        { of: 'twin', atMost: 1 },
      ]),
      ['pass', 'miss'],
    );
  });

  it('that is misspelt throws', () => {
    const read = (given) => () => budgets.readBudgets(JSON.stringify({ one: given }));
    assert.throws(read({ of: 'peer', atmost: 1 }), /one: unknown atmost/);
    assert.throws(read({ of: 'peer' }), /one: atMost is undefined/);
    assert.throws(read({ of: 'peer', atMost: 1, known: 'why' }), /known and knownUpTo go together/);
  });
});

describe('a record', () => {
  let records;
  before(async () => (records = await load('harness/records.mjs')));

  it('with everything in its place is taken', () => records.checkRecord(record()));

  const WRONG = {
    'no date': (made) => delete made.date,
    'no machine.cpu': (made) => delete made.machine.cpu,
    'no rounds': (made) => (made.rounds = 0),
    'is by speed': (made) => (made.groups[0].by = 'speed'),
    'one has no carapace': (made) => delete made.groups[0].figures[0].subjects.carapace,
    'has stranger': (made) => (made.groups[0].figures[0].subjects.stranger = { median: 1 }),
    'no median of twin': (made) => (made.groups[0].figures[0].subjects.twin = { low: 1 }),
    'peer.cpu': (made) => (made.groups[0].figures[0].subjects.peer.cpu = null),
    'spread of peer': (made) => (made.groups[0].figures[0].subjects.peer.low = 201),
    'is there twice': (made) => made.groups[0].figures.push(made.groups[0].figures[0]),
    'belongs to another benchmark': (made) => (made.groups[0].figures[0].id = 'other.group.one'),
  };
  for (const [message, change] of Object.entries(WRONG)) {
    it(`is refused: ${message}`, () => {
      const made = structuredClone(record());
      change(made);
      assert.throws(() => records.checkRecord(made), new RegExp(message.replace('.', '\\.')));
    });
  }

  it('of each benchmark is committed and as it must be', () => {
    const names = records.readRecords().map(({ benchmark }) => benchmark);
    assert.deepEqual(names, [
      'body-heap',
      'body',
      'client-key',
      'cors',
      'load',
      'pipeline-node-24',
      'pipeline',
      'query',
      'rate-limit',
      'redis',
      'security-headers',
    ]);
  });
});

describe('the words of figures', () => {
  let format;
  before(async () => (format = await load('harness/format.mjs')));

  it('have three digits and the unit that fits', () => {
    assert.equal(format.formatValue(1279.4, 'ns'), '1,279 ns');
    assert.equal(format.formatValue(12_345, 'ns'), '12.3 µs');
    assert.equal(format.formatValue(2_500_000, 'ns'), '2.5 ms');
    assert.equal(format.formatValue(51.28, 'B'), '51.3 B');
    assert.equal(format.formatRatio(0.847), '0.85');
    assert.equal(format.formatRatio(0.0234), '0.023');
    assert.equal(format.formatRatio(19.2), '19');
  });

  it('have ids from titles', () => {
    assert.equal(format.slug('a GET, draft-8 & more'), 'a-get-draft-8-more');
    assert.equal(format.slug('300,000 []'), '300-000');
  });
});

describe('what is made from the records', () => {
  const run = (...args) => spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });

  it('is up to date: charts and docs/performance.md', () => {
    const { status, stderr } = run('scripts/docs/charts.mjs', '--check');
    assert.equal(status, 0, stderr);
  });

  it('holds every budget, or says why not', () => {
    const { status, stdout } = run('scripts/bench-check.mjs');
    assert.equal(status, 0, stdout);
  });
});
