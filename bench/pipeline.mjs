// What a request costs a server under load: main-thread CPU time of real servers, each in a process of its own, asked in interleaved bursts
// over kept connections. Bare Express 4 (express-mongo-sanitize works on no other) against the stack that guides put together, against
// the same chain written by hand, and against carapace in the app and in front of it. Prints tables and one line of JSON; exits with 1
// when over a budget. Linux only: the CPU time of one thread is read from /proc.
import { fork } from 'node:child_process';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { machine, printTable, quantile } from './harness.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const BURST = Number(process.env.BURST ?? 1_500);
const CONNECTIONS = 16;
const OPEN = 2 ** 31 - 1;

const STACK = 'stack';
const BARE = 'bare';
const READER = 'bare + express.json';
const HAND = 'plain JS by hand';
const OURS = 'carapace';
const FRONT = 'carapace, wrapped';
const FLOOR = 'node:http alone';

const HEAD = 'host: localhost\r\norigin: https://app.example.com\r\naccept: application/json\r\n';
const body = (length) => JSON.stringify(fields(length));

/** Members as forms and APIs have them, up to about so many bytes. */
function fields(length) {
  const value = { user: { name: 'Ada Lovelace', email: 'ada@example.com' }, tags: ['a', 'b'], items: [] };
  while (JSON.stringify(value).length < length - 40) {
    value.items.push({ id: value.items.length, title: 'An item of a list', price: 12.5 });
  }
  return value;
}

function post(length) {
  const text = body(length);
  return `POST / HTTP/1.1\r\n${HEAD}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Each with the request, the limit that the servers have, the status it must have, and who takes part. */
const SCENARIOS = {
  GET: {
    request: `GET / HTTP/1.1\r\n${HEAD}\r\n`,
    limit: OPEN,
    status: 200,
    subjects: [BARE, STACK, HAND, OURS, FRONT],
  },
  'POST 150 B': { request: post(150), limit: OPEN, status: 200, subjects: [BARE, READER, STACK, HAND, OURS, FRONT] },
  'POST 10 KB': { request: post(10_240), limit: OPEN, status: 200, subjects: [BARE, READER, STACK, HAND, OURS, FRONT] },
  'a 429': {
    request: `GET / HTTP/1.1\r\n${HEAD}\r\n`,
    limit: 1,
    status: 429,
    subjects: [FLOOR, STACK, HAND, OURS, FRONT],
  },
  'a preflight': {
    request: `OPTIONS / HTTP/1.1\r\n${HEAD}access-control-request-method: PUT\r\naccess-control-request-headers: x-a\r\n\r\n`,
    limit: OPEN,
    status: 204,
    subjects: [FLOOR, STACK, HAND, OURS, FRONT],
  },
};

/** What must hold: a ratio of the medians, and the most that it may be. */
const BUDGETS = [
  ['GET: what it adds, of what the stack adds', (cost) => added(cost, 'GET', OURS) / added(cost, 'GET', STACK), 0.15],
  ['POST 150 B: of bare Express with express.json', (cost) => cost['POST 150 B'][OURS] / cost['POST 150 B'][READER], 1],
  ['POST 10 KB: of bare Express with express.json', (cost) => cost['POST 10 KB'][OURS] / cost['POST 10 KB'][READER], 1],
  ['a 429 in Express, of the stack', (cost) => cost['a 429'][OURS] / cost['a 429'][STACK], 0.7],
  ['a 429 in front of Express, of the stack', (cost) => cost['a 429'][FRONT] / cost['a 429'][STACK], 0.2],
  ['a preflight, of the stack', (cost) => cost['a preflight'][OURS] / cost['a preflight'][STACK], 0.5],
];

const added = (cost, scenario, subject) => cost[scenario][subject] - cost[scenario][BARE];

/** @returns a server in its own process, and its kept connections */
async function start(subject, limit) {
  const file = fileURLToPath(new URL('shared/pipeline-server.mjs', import.meta.url));
  const child = fork(file, [subject, String(limit)], {
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const message = () => new Promise((resolve) => child.once('message', resolve));
  const { port } = await message();
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(port)));
  const cpu = async () => {
    const answer = message();
    child.send('cpu');
    return (await answer).cpu;
  };
  return { sockets, cpu, stop: () => child.kill() };
}

function connect(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket.setNoDelay(true)));
  });
}

/** Sends so many requests over the connections, one at a time on each. */
function burst(sockets, request, status, count) {
  const bytes = Buffer.from(request);
  const expected = `HTTP/1.1 ${status} `;
  let left = count;
  let open = sockets.length;
  return new Promise((resolve, reject) => {
    for (const socket of sockets) {
      let text = '';
      const ask = () => {
        if (left > 0) {
          left -= 1;
          return socket.write(bytes);
        }
        socket.off('data', read);
        open -= 1;
        if (open === 0) resolve();
      };
      const read = (chunk) => {
        text += chunk.latin1Slice();
        const end = text.indexOf('\r\n\r\n');
        if (end === -1) return;
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
        const isChunked = /\r\ntransfer-encoding: chunked/i.test(text);
        if (isChunked ? !text.endsWith('\r\n0\r\n\r\n') : text.length < end + 4 + length) return;
        if (!text.startsWith(expected)) reject(new Error(`expected ${status}, got ${text.slice(0, 200)}`));
        text = '';
        ask();
      };
      socket.on('data', read);
      ask();
    }
  });
}

/** CPU time of one request in nanoseconds: the samples of each subject. */
async function measure({ request, limit, status, subjects }) {
  const servers = {};
  for (const subject of subjects) {
    servers[subject] = await start(subject, limit);
    // Uses up a limit of one.
    if (status === 429 && subject !== FLOOR) await burst(servers[subject].sockets.slice(0, 1), request, 200, 1);
  }
  const samples = Object.fromEntries(subjects.map((subject) => [subject, []]));
  for (let round = -3; round < ROUNDS; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      const subject = subjects[(turn + round + 3) % subjects.length];
      const { sockets, cpu } = servers[subject];
      const before = await cpu();
      await burst(sockets, request, status, BURST);
      const used = ((await cpu()) - before) / BURST;
      if (round >= 0) samples[subject].push(used);
    }
  }
  for (const { sockets, stop } of Object.values(servers)) {
    for (const socket of sockets) socket.destroy();
    stop();
  }
  return samples;
}

const wanted = process.env.ONLY?.split(',') ?? Object.keys(SCENARIOS);
const report = { benchmark: 'pipeline', machine: machine(), rounds: ROUNDS, burst: BURST, cost: {}, ratios: {} };
for (const name of wanted) {
  const samples = await measure(SCENARIOS[name]);
  const medians = Object.fromEntries(Object.entries(samples).map(([subject, all]) => [subject, quantile(all, 0.5)]));
  report.cost[name] = medians;
  printTable(
    `${name}: main-thread CPU of one request, µs`,
    Object.entries(samples).map(([subject, all]) => ({
      subject,
      median: (medians[subject] / 1000).toFixed(1),
      'p10–p90': `${(quantile(all, 0.1) / 1000).toFixed(1)}–${(quantile(all, 0.9) / 1000).toFixed(1)}`,
      'of the stack': (medians[subject] / medians[STACK]).toFixed(2),
      'over bare': medians[BARE] === undefined ? '' : ((medians[subject] - medians[BARE]) / 1000).toFixed(1),
    })),
  );
}

const rows = BUDGETS.flatMap(([what, ratioOf, allowed]) => {
  let ratio;
  try {
    ratio = ratioOf(report.cost);
  } catch {
    return [];
  }
  report.ratios[what] = Number(ratio.toFixed(3));
  return [{ what, ratio: ratio.toFixed(2), allowed, '': ratio <= allowed ? 'pass' : 'MISS' }];
});
printTable('budgets', rows);
console.log(`\n${JSON.stringify(report)}`);
process.exitCode = rows.every((row) => row[''] === 'pass') ? 0 : 1;
