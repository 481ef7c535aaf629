// Memory over a million bodies of 2 KB, clean and flagged ones, through the parse step of json(): what RSS is after the first
// tenth, and the farthest that it moves from there later. `node --expose-gc bench/body-heap.mjs`.
import { CLEAN, FLAGGED } from './shared/bodies.mjs';
import { printTable } from './harness.mjs';
import { openReport } from './harness/report.mjs';
import { withDefaultRules } from './shared/json-subjects.mjs';

const report = openReport('body-heap', {
  about: 'Resident memory over a million bodies of 2 KB.',
  packages: [],
  rounds: 1_000_000,
  quickRounds: 1_000_000,
});
const bodies = [CLEAN['2 KB ASCII'], CLEAN['2 KB mixed'], CLEAN['2 KB sparse'], FLAGGED['2 KB flagged']];

const rows = [];
const resident = [];
for (let count = 1; count <= report.rounds; count += 1) {
  withDefaultRules(bodies[count % bodies.length]);
  if (count % (report.rounds / 10) !== 0) continue;
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  resident.push(rss / 2 ** 20);
  rows.push({ bodies: count, rss: megabytes(rss), heap: megabytes(heapUsed), external: megabytes(external) });
}
printTable('memory in MB', rows);

const [first, ...later] = resident;
const drift = Math.max(...later.map((rss) => Math.abs(rss / first - 1)));
const add = report.group('rss', {
  title: 'Resident memory over a million bodies',
  unit: 'MiB',
  subjects: { floor: 'after the first tenth', carapace: 'farthest from it later' },
});
add('2 KB bodies', { floor: { median: first }, carapace: { median: first * (1 + drift) } });
report.finish();

function megabytes(bytes) {
  return (bytes / 2 ** 20).toFixed(1);
}
