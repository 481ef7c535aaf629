// Memory over a million bodies of 2 KB, clean and flagged ones, through the parse step of json(). Fails when RSS after
// the first tenth does not stay flat. `node --expose-gc bench/body-heap.mjs [bodies]`
import { CLEAN, FLAGGED } from './shared/bodies.mjs';
import { machine, printTable } from './harness.mjs';
import { withDefaultRules } from './shared/json-subjects.mjs';

const TOTAL = Number(process.argv[2] ?? 1_000_000);
const ALLOWED = 0.05;
const bodies = [CLEAN['2 KB ASCII'], CLEAN['2 KB mixed'], CLEAN['2 KB sparse'], FLAGGED['2 KB flagged']];

const rows = [];
for (let count = 1; count <= TOTAL; count += 1) {
  withDefaultRules(bodies[count % bodies.length]);
  if (count % (TOTAL / 10) !== 0) continue;
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  rows.push({ bodies: count, rss: megabytes(rss), heap: megabytes(heapUsed), external: megabytes(external) });
}
printTable(`memory in MB, ${JSON.stringify(machine())}`, rows);

const [first, ...later] = rows.map((row) => Number(row.rss));
const drift = Math.max(...later.map((rss) => Math.abs(rss / first - 1)));
console.log(`\nRSS moved by ${(drift * 100).toFixed(1)} % after the first tenth; ${ALLOWED * 100} % are allowed`);
process.exitCode = drift > ALLOWED ? 1 : 0;

function megabytes(bytes) {
  return (bytes / 2 ** 20).toFixed(1);
}
