// Runs the benchmarks of bench/ one after the other: all, or those named (`npm run bench -- body`).
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const known = readdirSync('bench')
  .filter((file) => file.endsWith('.mjs') && file !== 'harness.mjs')
  .map((file) => file.replace(/\.mjs$/, ''));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark named ${unknown.join(', ')}; known are ${known.join(', ')}\n`);
  process.exit(1);
}

for (const name of wanted.length > 0 ? wanted : known) {
  process.stdout.write(`\n── ${name}\n`);
  const { status } = spawnSync(process.execPath, ['--expose-gc', `bench/${name}.mjs`], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
