// Draws the charts of docs/ from bench/records and fills in the tables of docs/performance.md. `node scripts/docs/charts.mjs`; with
// --check it only says whether they are up to date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { judge, readBudgets } from '../../bench/harness/budgets.mjs';
import { formatRatio, formatValue } from '../../bench/harness/format.mjs';
import { figuresOf, readRecords, valueOf } from '../../bench/harness/records.mjs';
import { drawBars } from './bars.mjs';
import { baseOf, machineOf, missesOf, shareOf, slowerList, slowerThan, tablesOf } from './performance.mjs';

const PAGE = 'docs/performance.md';
const MARKS =
  'Bar: carapace. ○ plain JavaScript by hand. │ the floor. Dashed: what it is compared with. Shorter is better.';

/** The parts' charts; groups that are only in the tables are left out. */
const PARTS = {
  'security-headers': ['Security headers, as a share of helmet', ['whole', 'alone', 'own']],
  cors: ['CORS, as a share of the cors package', ['request']],
  'rate-limit': ['Rate limiting', ['request', 'own', 'memory', 'store']],
  redis: ['A hit on Redis, as a share of the best package for each measure', ['time', 'main', 'redis', 'p99']],
  'client-key': ['Finding the client', ['rule']],
  body: ['JSON bodies', ['clean', 'flagged', 'bombs', 'middleware']],
  query: ['Forms and query strings, as a share of qs', ['form', 'query', 'bombs']],
  pipeline: ['The whole chain on a real server, as a share of the usual stack', ['added', 'whole']],
  'pipeline-node-24': ['The whole chain on Node 24, as a share of the usual stack', ['added', 'whole']],
};

/** The rows of the overview: a figure, what to call it, whom it is compared with. */
const OVERVIEW = [
  ['security-headers.whole.defaults', 'Security headers on a response', 'helmet'],
  ['cors.request.a-get-from-a-listed-origin', 'CORS on a response', 'cors'],
  ['rate-limit.request.draft-8-and-legacy', 'A rate limit with header fields', 'express-rate-limit'],
  ['rate-limit.request.no-fields', 'A rate limit without fields', 'express-rate-limit'],
  ['rate-limit.memory.a-million-keys', 'Memory of a limited client', 'express-rate-limit'],
  ['redis.time.1-in-flight', 'Redis, 1 hit in flight', 'the best of four'],
  ['redis.time.128-in-flight', 'Redis, 128 hits in flight', 'the best of four'],
  ['body.clean.2-kb-ascii', 'A JSON body of 2 KB', 'express-mongo-sanitize'],
  ['body.clean.100-kb-ascii', 'A JSON body of 100 KB', 'express-mongo-sanitize'],
  ['query.query.5-plain', 'A query string', 'qs'],
  ['query.form.5-nested', 'A form with brackets', 'qs'],
  ['pipeline.added.get', 'The chain on a GET', 'the usual stack'],
  ['pipeline.whole.a-429', 'A refused request', 'the usual stack'],
];

function barOf(group, figure, label = figure.title) {
  const base = baseOf(group);
  const share = shareOf(group, figure, base);
  if (share === undefined) return undefined;
  const whole = valueOf(group, figure, base);
  const other = (role) => (role === base ? undefined : (valueOf(group, figure, role) ?? NaN) / whole);
  const mark = (role) => (Number.isFinite(other(role)) ? other(role) : undefined);
  const value = formatValue(valueOf(group, figure, 'carapace'), group.unit);
  return { label, share, value: `${formatRatio(share)}  (${value})`, twin: mark('twin'), floor: mark('floor') };
}

function partChart(record, [title, keys]) {
  const groups = keys
    .map((key) => record.groups.find(({ id }) => id === `${record.benchmark}.${key}`))
    .filter((group) => group !== undefined)
    .map((group) => ({
      title: `${group.title} (1 = ${group.subjects[baseOf(group)]})`,
      bars: group.figures.map((figure) => barOf(group, figure)).filter((bar) => bar !== undefined),
    }));
  return drawBars({ title, legend: MARKS, groups });
}

function overviewChart(records) {
  const figures = figuresOf(records);
  const bars = OVERVIEW.map(([id, label, peer]) => {
    const { group, figure } = figures.get(id);
    return barOf(group, figure, `${label}, of ${peer}`);
  });
  const [worst] = slowerThan(records, 'peer').slower;
  const groups = [{ title: '', bars }];
  if (worst) {
    const label = `${worst.figure.title}, of ${worst.figure.subjects.peer.is ?? worst.group.subjects.peer}`;
    groups.push({
      title: `The worst of all figures: ${worst.group.title}`,
      bars: [barOf(worst.group, worst.figure, label)],
    });
  }
  return drawBars({ title: 'What carapace takes of what the packages take that it replaces', legend: MARKS, groups });
}

/** The page with everything between `<!-- name -->` and `<!-- /name -->` made anew. */
function fill(page, parts) {
  return Object.entries(parts).reduce((text, [name, content]) => {
    const [from, to] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [start, end] = [text.indexOf(from), text.indexOf(to)];
    if (start === -1 || end < start) throw new Error(`${PAGE} has no place for ${name}`);
    return `${text.slice(0, start + from.length)}\n\n${content}\n\n${text.slice(end)}`;
  }, page);
}

const records = readRecords();
const judged = judge(readBudgets(), figuresOf(records));
const files = { 'docs/performance.svg': overviewChart(records) };
for (const record of records) {
  const part = PARTS[record.benchmark];
  if (part) files[`docs/performance-${record.benchmark}.svg`] = partChart(record, part);
}
files[PAGE] = fill(readFileSync(PAGE, 'utf8'), {
  machine: machineOf(records),
  'slower than a peer': slowerList(records, 'peer', 'a package that it replaces'),
  'slower than plain JavaScript': slowerList(records, 'twin', 'plain JavaScript'),
  'missed budgets': missesOf(judged),
  ...Object.fromEntries(records.map((record) => [record.benchmark, tablesOf(record)])),
});

const stale = Object.entries(files).filter(([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text);
if (process.argv.includes('--check')) {
  for (const [file] of stale) process.stderr.write(`${file} is not up to date\n`);
  if (stale.length > 0) process.stderr.write('run: node scripts/docs/charts.mjs\n');
  process.exitCode = stale.length > 0 ? 1 : 0;
} else for (const [file, text] of stale) writeFileSync(file, text);
