// What rate limiting costs a request and a key: against express-rate-limit 8.7 with its memory store, rate-limiter-flexible's
// memory limiter, and the same work in plain JavaScript. Requests and responses are those of Express on real ServerResponse
// objects; each request is awaited, because the peers answer by promises, and what a request costs without any limiter is
// taken off. The library's own work is without Node's setHeader as well, which is the same for all: what the hand-written
// twin needs more with fields than without. The flags are in bench/harness/report.mjs, the budgets in bench/budgets.json.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { interleave } from './harness.mjs';
import { openReport } from './harness/report.mjs';
import { FIELDS, interleaveRequests, middlewares } from './rate-limit/requests.mjs';
import { MILLION } from './rate-limit/settings.mjs';
import { KEY_KINDS, storeSubjects } from './rate-limit/stores.mjs';

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

const STORES = ['express-rate-limit', 'rate-limiter-flexible', 'a Map', 'carapace'];

function addMemory(report) {
  const add = report.group('memory', {
    title: 'Resident memory of a million keys, for each',
    unit: 'B',
    subjects: { peer: 'express-rate-limit', flexible: 'rate-limiter-flexible', carapace: 'carapace', twin: 'a Map' },
  });
  const file = fileURLToPath(new URL('rate-limit/memory.mjs', import.meta.url));
  const measured = STORES.map((name) => {
    const { stdout } = spawnSync(process.execPath, ['--expose-gc', file, name], { encoding: 'utf8' });
    return [name, { median: JSON.parse(stdout).bytes / MILLION }];
  });
  add('a million keys', named(Object.fromEntries(measured)));
}

await main();
