// A server with every part on, under right and hostile traffic at a fixed rate: `npm run test:soak-all -- <minutes> [<per second>]`,
// 30 and 250 by default. It fails when memory, descriptors or threads grow, when an answer has a status or holds what it must
// not, when the event loop stands still, and when the server says or throws anything.
import { fork } from 'node:child_process';
import http from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createAsk } from './ask.mjs';
import { createPlayer } from './connections.mjs';
import { createFlatness, look } from './flatness.mjs';
import { createRandom } from './random.mjs';
import { makeSession } from './sessions.mjs';
import { makeRequest } from './soak-requests.mjs';

const MINUTES = Number(process.argv[2] ?? 30);
const PER_SECOND = Number(process.argv[3] ?? 250);
const HOSTILE_CONNECTIONS = 2;
const TICK_MS = 20;
const SAMPLE_MS = 5_000;
const ALIVE_MS = 10_000;
/** Of a machine that is busy with other things no more is asked than it answers. */
const MOST_IN_FLIGHT = 64;

const server = fork(new URL('soak-server.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
const ask = createAsk(server);
const problems = [];
const statuses = new Map();
const counts = { due: 0, sent: 0, done: 0, answered: 0, hostile: 0, longestLoop: 0, longestOwnLoop: 0 };
server.on('message', ({ type, text }) => {
  if (['uncaughtException', 'unhandledRejection', 'warning'].includes(type)) problem(type, text);
});
server.on('exit', (code, signal) => problem('exit', `the server ended with ${code ?? signal}`));

const { port } = await ask('listening');
const random = createRandom(20261130);
// In turn, so that all stay open: the number of descriptors is then the server's own matter.
const agent = new http.Agent({ keepAlive: true, maxSockets: 16, maxFreeSockets: 16, scheduling: 'fifo' });
const play = createPlayer({ port, problem, answered: () => (counts.hostile += 1) });
const flatness = createFlatness();
const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();
const began = performance.now();
const ends = began + MINUTES * 60_000;
const isOver = () => performance.now() > ends || problems.length >= 20 || !server.connected;
const attacks = Array.from({ length: HOSTILE_CONNECTIONS }, async () => {
  while (!isOver()) {
    await play(makeSession(random));
    await pause(100);
  }
});
await Promise.all([send(), sample(), ...attacks]);
agent.destroy();
server.removeAllListeners('exit');
const { isWhole, events } = await ask('closed', 'close');
if (!isWhole) problem('close', 'a request was not answered');
conclude();

/** So many requests a second, but for those for which there is no room. */
async function send() {
  while (!isOver()) {
    for (; counts.due < ((performance.now() - began) / 1000) * PER_SECOND; counts.due += 1) {
      if (counts.sent - counts.done < MOST_IN_FLIGHT) request(makeRequest(random));
    }
    await pause(TICK_MS);
  }
  for (let waited = 0; counts.done < counts.sent && waited < ALIVE_MS; waited += TICK_MS) await pause(TICK_MS);
  if (counts.done < counts.sent) problem('hang', `${counts.sent - counts.done} requests without an answer`);
}

/** @param {import('./soak-requests.mjs').Request} asked */
function request(asked) {
  const { method, path, headers, body, expected } = asked;
  counts.sent += 1;
  const outgoing = http.request({ port, host: '127.0.0.1', agent, method, path, headers }, (response) => {
    response.setEncoding('utf8');
    let text = '';
    response.on('data', (part) => (text += part));
    response.on('end', () => {
      counts.answered += 1;
      check(asked, response, text);
    });
  });
  outgoing.on('close', () => (counts.done += 1));
  outgoing.on('error', (error) => {
    // An idle connection may be closed while a request sets out on it, which is then sent once more (Node's documentation of
    // `reusedSocket`). A body that is too large is refused before it is all there, so its end may not be sent.
    if (outgoing.reusedSocket && error.code === 'ECONNRESET') request(asked);
    else if (!expected.includes(413)) problem('connection', `${method} ${path}: ${error.message}`);
  });
  outgoing.end(body);
}

function check({ method, path, body, expected, holds }, { statusCode, headers }, text) {
  statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
  const what = `${method} ${path} ${body?.slice(0, 60) ?? ''}: ${statusCode} ${text.slice(0, 200)}`;
  if (!expected.includes(statusCode)) problem('status', what);
  else if (statusCode < 300 && holds && !holds(text, headers)) problem('answer', what);
}

async function sample() {
  console.log('second  RSS MiB  heap MiB  descriptors  threads  event loop p99 ms');
  for (let samples = 1; !isOver(); samples += 1) {
    await pause(SAMPLE_MS);
    const measured = await Promise.race([ask('measured', 'measure'), pause(ALIVE_MS)]);
    if (measured === undefined) {
      problem('event loop', `no answer within ${ALIVE_MS} ms`);
      continue;
    }
    counts.longestLoop = Math.max(counts.longestLoop, measured.longest);
    counts.longestOwnLoop = Math.max(counts.longestOwnLoop, delays.max / 1e6);
    const figures = { ...look(server.pid), heap: measured.heapUsed / 1024 / 1024 };
    flatness.add(figures);
    if (samples % 12 !== 0) continue;
    const second = Math.round((performance.now() - began) / 1000);
    const line = [second, figures.rss.toFixed(1), figures.heap.toFixed(1), figures.descriptors, figures.threads];
    console.log([...line, measured.p99.toFixed(1)].join('  '));
  }
}

function conclude() {
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  const byStatus = [...statuses].sort(([one], [other]) => one - other).map(([status, count]) => `${status}: ${count}`);
  const { due, sent, answered, hostile, longestLoop, longestOwnLoop } = counts;
  console.log(
    `\n${minutes} minutes, ${answered} of ${sent} answered (${due} were due), ${hostile} answers to hostile connections`,
  );
  console.log(
    `the event loop stood still for ${longestLoop.toFixed(0)} ms at the most, that of the clients for ${longestOwnLoop.toFixed(0)} ms`,
  );
  console.log(byStatus.join(', '));
  console.log(events.map(([name, count]) => `${name}: ${count}`).join(', '));
  for (const { what, before, after, isFlat } of flatness.conclude()) {
    console.log(`${isFlat ? 'flat' : 'GROWN'}: ${what} ${before.toFixed(1)} → ${after.toFixed(1)}`);
    if (!isFlat) problem('growth', what);
  }
  for (const text of problems) console.log(text);
  console.log(problems.length === 0 ? 'no finding' : `${problems.length} findings`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** @param {string} kind @param {string} text */
function problem(kind, text) {
  if (problems.length < 20) problems.push(`${kind}: ${text}`);
}

/** @param {number} milliseconds @returns {Promise<undefined>} */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
