// Runs the benchmarks of bench/ one after the other: all, or those named (`npm run bench -- body --quick`). Flags go to each of them:
// see bench/harness/report.mjs.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const known = readdirSync('bench')
  .filter((file) => file.endsWith('.mjs') && file !== 'harness.mjs')
  .map((file) => file.replace(/\.mjs$/, ''));
const words = process.argv.slice(2);
const firstFlag = words.findIndex((word) => word.startsWith('-'));
const wanted = firstFlag === -1 ? words : words.slice(0, firstFlag);
const flags = words.slice(wanted.length);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark named ${unknown.join(', ')}; known are ${known.join(', ')}\n`);
  process.exit(1);
}

for (const name of wanted.length > 0 ? wanted : known) {
  process.stdout.write(`\n── ${name}\n`);
  const { status } = spawnSync(process.execPath, ['--expose-gc', `bench/${name}.mjs`, ...flags], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
