// 10,000 hits a second for so many minutes (`npm run test:soak -- 30`), with Redis killed and started again every minute:
// resident memory, file descriptors and threads of the process under load stay what they were. Exits with 1 when they grow.
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { forkLoad } from './redis/run-fault.mjs';

const { startRedis } = createRequire(import.meta.url)('../__test__/helpers/redis/server.js');

const minutes = Number(process.argv[2] ?? 30);
const RATE = Number(process.argv[3] ?? 10_000);
const SAMPLE_MS = 5_000;
const RESTART_MS = 60_000;
/** What memory may grow by, of its mean in the second tenth of the run, and what descriptors and threads may. */
const MEMORY_GROWTH = 0.15;
const HANDLE_GROWTH = 2;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const server = await startRedis();
const load = forkLoad({ store: { url: server.url, onStoreFailure: 'local' }, perSecond: RATE });
await load.started;
const began = performance.now();
const samples = [];
let nextRestart = began + RESTART_MS;
let restarts = 0;
console.log('second  RSS MiB  descriptors  threads');
while (performance.now() - began < minutes * 60_000) {
  await pause(SAMPLE_MS);
  const sample = look(load.pid);
  samples.push(sample);
  const second = Math.round((performance.now() - began) / 1000);
  if (samples.length % 6 === 0) {
    console.log(
      `${second}`.padStart(6),
      sample.rss.toFixed(1).padStart(8),
      `${sample.descriptors}`.padStart(12),
      `${sample.threads}`.padStart(8),
    );
  }
  if (performance.now() < nextRestart) continue;
  nextRestart += RESTART_MS;
  restarts += 1;
  await server.restart();
}
const report = await load.stop();
await server.stop();
conclude();

function look(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    rss: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
    threads: Number(/Threads:\s+(\d+)/.exec(status)[1]),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

function conclude() {
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const mean = (part, field) => part.reduce((sum, sample) => sum + sample[field], 0) / part.length;
  const [early, late] = [samples.slice(tenth, 2 * tenth), samples.slice(-tenth)];
  const grown = (field) => mean(late, field) - mean(early, field);
  const { sent, lost, double, unhandled, uncaught } = report;
  console.log(
    `\n${minutes} minutes, ${restarts} restarts, ${sent} hits, ${lost} lost, ${double} answered twice, ${unhandled + uncaught} unhandled`,
  );
  const checks = {
    'RSS MiB': [mean(early, 'rss'), mean(late, 'rss'), grown('rss') <= MEMORY_GROWTH * mean(early, 'rss')],
    descriptors: [mean(early, 'descriptors'), mean(late, 'descriptors'), grown('descriptors') <= HANDLE_GROWTH],
    threads: [mean(early, 'threads'), mean(late, 'threads'), grown('threads') <= HANDLE_GROWTH],
    'lost, twice, unhandled': [0, lost + double + unhandled + uncaught, lost + double + unhandled + uncaught === 0],
  };
  for (const [what, [before, after, holds]] of Object.entries(checks)) {
    console.log(`${holds ? 'flat' : 'GROWN'}: ${what} ${before.toFixed(1)} → ${after.toFixed(1)}`);
    if (!holds) process.exitCode = 1;
  }
}
