// Attacks a hardened server over raw sockets: slow, split, pipelined, oversized and malformed requests, many at a time.
// `npm run test:abuse [-- <requests> [<seed>]]`, a million by default. It fails when the server ends, throws, answers what is no
// HTTP, answers 5xx other than 501, 503 and 505, lets a key through that had to go, keeps a socket waiting, or keeps growing.
import { fork } from 'node:child_process';
import { createAsk } from './ask.mjs';
import { createPlayer } from './connections.mjs';
import { createRandom } from './random.mjs';
import { makeSession } from './sessions.mjs';

const TOTAL = Number(process.argv[2] ?? 1_000_000);
const SEED = Number(process.argv[3] ?? 20261120);
const PARALLEL = 64;

const server = fork(new URL('server.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
const ask = createAsk(server, { rss: 0, heapUsed: 0, handles: 0 });
const problems = [];
const statuses = new Map();
const sent = { requests: 0, answers: 0, sessions: 0, bytes: 0 };
server.on('message', (message) => {
  if (['breach', 'uncaughtException', 'unhandledRejection'].includes(message.type)) problem(message.type, message.text);
});
server.on('exit', (code, signal) => problem('exit', `the server ended with ${code ?? signal}`));

const { port } = await ask('listening');
const playSession = createPlayer({
  port,
  problem,
  answered(status) {
    sent.answers += 1;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  },
});
const random = createRandom(SEED);
const started = performance.now();
const before = await measure(20_000);
await Promise.all(Array.from({ length: PARALLEL }, attack));
const after = await ask('measured', 'measure');
report();
server.removeAllListeners('exit');
server.kill();

async function attack() {
  while (sent.answers < TOTAL && problems.length < 20 && server.connected) await play(makeSession(random));
}

/** Warms the server up, so that what it keeps for good is there, and measures it. */
async function measure(requests) {
  while (sent.answers < Math.min(requests, TOTAL / 4)) await play(makeSession(random));
  return ask('measured', 'measure');
}

/** @param {import('./sessions.mjs').Session} session */
function play(session) {
  sent.requests += session.requests;
  sent.sessions += 1;
  sent.bytes += session.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return playSession(session);
}

function report() {
  const seconds = (performance.now() - started) / 1000;
  const growth = (after.rss - before.rss) / 1024 / 1024;
  const byStatus = [...statuses].sort(([one], [other]) => one - other).map(([status, count]) => `${status}: ${count}`);
  process.stdout.write(
    `${sent.requests} requests, ${sent.answers} answered, in ${sent.sessions} connections, ${(sent.bytes / 1024 / 1024).toFixed(0)} MB, ${seconds.toFixed(0)} s\n` +
      `answers ${byStatus.join(', ')}\n` +
      `server memory ${(before.rss / 1024 / 1024).toFixed(0)} MB, then ${(after.rss / 1024 / 1024).toFixed(0)} MB (heap ` +
      `${(before.heapUsed / 1024 / 1024).toFixed(1)}, then ${(after.heapUsed / 1024 / 1024).toFixed(1)} MB); handles ${before.handles}, then ${after.handles}\n`,
  );
  if (after.heapUsed > before.heapUsed * 1.5 + 20 * 1024 * 1024) {
    problem('memory', `the heap grew, and memory by ${growth.toFixed(0)} MB`);
  }
  for (const text of problems) process.stdout.write(`${text}\n`);
  process.stdout.write(problems.length === 0 ? 'no finding\n' : `seed ${SEED}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** @param {string} kind @param {string} text */
function problem(kind, text) {
  if (problems.length < 20) problems.push(`${kind}: ${text}`);
}
