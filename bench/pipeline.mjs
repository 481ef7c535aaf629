// What a request costs a server under load: main-thread CPU time of real servers, each in a process of its own, asked in interleaved bursts
// over kept connections. Bare Express 4 (express-mongo-sanitize works on no other) against the stack that guides put together, against
// the same chain written by hand, and against carapace in the app and in front of it. The flags are in bench/harness/report.mjs, the
// budgets in bench/budgets.json. Linux only: the CPU time of one thread is read from /proc.
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { summarize } from './harness.mjs';
import { openReport } from './harness/report.mjs';

const require = createRequire(import.meta.url);
const { startRedis } = require('../__test__/helpers/redis/server.js');

// V8 13 shares hidden classes where those before do not (lib/pipeline/front.js), so there the figures are others.
const NAME = Number.parseInt(process.versions.v8, 10) < 13 ? 'pipeline' : 'pipeline-node-24';
const BURST = Number(process.env.BURST ?? 2_500);
const CONNECTIONS = 16;
const OPEN = 2 ** 31 - 1;

const STACK = 'stack';
const BARE = 'bare';
const READER = 'bare + express.json';
const HAND = 'plain JS by hand';
const OURS = 'carapace';
const FRONT = 'carapace, wrapped';
const DROP_INS = 'carapace, drop-ins';
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

/** Each with the request, the limit that the servers have, the status it must have, and who takes part. `redis`: counted there. */
const SCENARIOS = {
  GET: {
    request: `GET / HTTP/1.1\r\n${HEAD}\r\n`,
    limit: OPEN,
    status: 200,
    subjects: [BARE, STACK, HAND, OURS, FRONT, DROP_INS],
  },
  'POST 150 B': {
    request: post(150),
    limit: OPEN,
    status: 200,
    subjects: [BARE, READER, STACK, HAND, OURS, FRONT, DROP_INS],
  },
  'POST 10 KB': {
    request: post(10_240),
    limit: OPEN,
    status: 200,
    subjects: [BARE, READER, STACK, HAND, OURS, FRONT, DROP_INS],
  },
  'GET, limits in Redis': {
    request: `GET / HTTP/1.1\r\n${HEAD}\r\n`,
    limit: OPEN,
    status: 200,
    subjects: [BARE, STACK, OURS],
    redis: true,
    connections: 128,
  },
  'a 429': {
    request: `GET / HTTP/1.1\r\n${HEAD}\r\n`,
    limit: 1,
    status: 429,
    subjects: [FLOOR, STACK, HAND, OURS, FRONT, DROP_INS],
  },
  'a preflight': {
    request: `OPTIONS / HTTP/1.1\r\n${HEAD}access-control-request-method: PUT\r\naccess-control-request-headers: x-a\r\n\r\n`,
    limit: OPEN,
    status: 204,
    subjects: [FLOOR, STACK, HAND, OURS, FRONT, DROP_INS],
  },
};

const ROLES = {
  [STACK]: 'peer',
  [OURS]: 'carapace',
  [FRONT]: 'wrapped',
  [DROP_INS]: 'dropins',
  [HAND]: 'twin',
  [READER]: 'reader',
  [BARE]: 'floor',
  [FLOOR]: 'http',
};
const report = openReport(NAME, {
  about: 'A whole request on a real server: CPU time with every protection on.',
  packages: [
    'express4',
    'helmet',
    'cors',
    'express-rate-limit',
    'express-mongo-sanitize',
    'hpp',
    'rate-limit-redis',
    'ioredis',
  ],
  rounds: 7,
  quickRounds: 5,
});

/** @returns a server in its own process, and its kept connections */
async function start(subject, { limit, connections = CONNECTIONS }, redisPort = '') {
  const file = fileURLToPath(new URL('shared/pipeline-server.mjs', import.meta.url));
  const child = fork(file, [subject, String(limit), redisPort], {
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const message = () => new Promise((resolve) => child.once('message', resolve));
  const { port } = await message();
  const sockets = await Promise.all(Array.from({ length: connections }, () => connect(port)));
  const cpu = async () => {
    const answer = message();
    child.send('cpu');
    return answer;
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
    const fail = () => reject(new Error('a server closed a connection'));
    for (const socket of sockets) {
      let text = '';
      const ask = () => {
        if (left > 0) {
          left -= 1;
          return socket.write(bytes);
        }
        socket.off('data', read).off('close', fail);
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
      socket.on('data', read).once('close', fail);
      ask();
    }
  });
}

/** CPU time of one request in nanoseconds, of the main thread and of the whole process: the samples of each subject. */
async function measure(scenario) {
  const { request, status, subjects } = scenario;
  const redis = scenario.redis ? await startRedis() : undefined;
  const servers = {};
  for (const subject of subjects) {
    servers[subject] = await start(subject, scenario, redis && String(redis.port));
    // Uses up a limit of one.
    if (status === 429 && subject !== FLOOR) await burst(servers[subject].sockets.slice(0, 1), request, 200, 1);
  }
  const samples = Object.fromEntries(subjects.map((subject) => [subject, { main: [], all: [] }]));
  for (let round = -3; round < report.rounds; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      const subject = subjects[(turn + round + 3) % subjects.length];
      const used = await sample(servers[subject], request, status);
      if (round >= 0) for (const [thread, time] of Object.entries(used)) samples[subject][thread].push(time);
    }
  }
  for (const { sockets, stop } of Object.values(servers)) {
    for (const socket of sockets) socket.destroy();
    stop();
  }
  await redis?.stop();
  return samples;
}

async function sample({ sockets, cpu }, request, status) {
  const before = await cpu();
  await burst(sockets, request, status, BURST);
  const after = await cpu();
  return { main: (after.main - before.main) / BURST, all: (after.all - before.all) / BURST };
}

const GROUP = {
  subjects: {
    peer: 'the usual stack',
    carapace: 'carapace',
    wrapped: 'carapace in front of Express',
    dropins: 'the stack on drop-ins',
    twin: 'plain JS by hand',
    reader: 'bare Express and express.json',
    floor: 'bare Express',
    http: FLOOR,
  },
};
const addWhole = report.group('whole', { title: 'A request: main-thread CPU time', ...GROUP });
const addProcess = report.group('process', { title: 'A request: CPU time of the whole process', ...GROUP });
const addAdded = report.group('added', {
  title: 'What the protections add to bare Express: main-thread CPU time',
  by: 'added',
  subjects: {
    peer: 'the usual stack',
    carapace: 'carapace',
    wrapped: 'carapace in front of Express',
    dropins: 'the stack on drop-ins',
    twin: 'plain JS by hand',
  },
  note: 'Below zero, a chain costs less than what it takes the place of.',
});
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (!report.isWanted(name)) continue;
  const samples = Object.entries(await measure(scenario));
  const of = (thread) =>
    Object.fromEntries(samples.map(([subject, times]) => [ROLES[subject], summarize({ wall: times[thread] })]));
  const measured = of('main');
  addWhole(name, measured);
  addProcess(name, of('all'));
  if (measured.floor === undefined) continue;
  const added = Object.entries(measured).map(([role, result]) => [
    role,
    { ...result, added: result.median - measured.floor.median },
  ]);
  addAdded(name, Object.fromEntries(added));
}
report.finish();
