// What a hit on Redis costs: against rate-limit-redis (ioredis with and without auto-pipelining, node-redis),
// rate-limiter-flexible, and a batched script by hand in plain JavaScript, all in one process on one server, interleaved.
// Store against store: no middleware, no header fields. Prints tables and one line of JSON; exits with 1 when over a budget.
import { createRequire } from 'node:module';
import { machine, printTable, quantile } from './harness.mjs';
import { measure } from './redis/load.mjs';
import { CARAPACE, CARAPACE_IOREDIS, PEERS, openCarapace, openSubjects } from './redis/subjects.mjs';

const require = createRequire(import.meta.url);
const { startRedis } = require('../__test__/helpers/redis/server.js');
const { connect } = require('../__test__/helpers/redis/wire.js');

const KEYS = Array.from({ length: 1_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
const HOT_KEYS = KEYS.slice(0, 10);
const LOADS = {
  '1 in flight': { inFlight: 1 },
  '16 in flight': { inFlight: 16 },
  '128 in flight': { inFlight: 128 },
  '1024 in flight': { inFlight: 1024 },
  '1k a second': { perSecond: 1_000 },
  '10k a second': { perSecond: 10_000 },
  '40k a second': { perSecond: 40_000 },
  '10 hot keys, 1024 in flight': { inFlight: 1024, keys: HOT_KEYS },
};
/** Of the best of the peers: at least so much throughput, at most so much of the others. */
const BUDGETS = {
  '1 in flight': { perSecond: 0.8, mainUs: 0.65, p99: 1.4, redisUs: 1.25 },
  '16 in flight': { perSecond: 1.1, mainUs: 0.28, p99: 0.9, redisUs: 0.6 },
  '128 in flight': { perSecond: 2.5, mainUs: 0.2, p99: 0.5, redisUs: 0.4 },
  '1024 in flight': { perSecond: 3.3, mainUs: 0.15, p99: 0.4, redisUs: 0.4 },
  '10 hot keys, 1024 in flight': { perSecond: 5 },
};
const MOST_SCRIPT_US = 300;
const MOST_DENIED_US = 1;

async function main(rounds, forMs) {
  const server = await startRedis({
    config: { 'slowlog-log-slower-than': String(MOST_SCRIPT_US), 'slowlog-max-len': '1000' },
  });
  const admin = await connect(server.address);
  const { subjects, close } = await openSubjects(server.port);
  const report = { benchmark: 'redis', machine: machine(), rounds, forMs, results: {}, budgets: [] };
  for (const [title, load] of Object.entries(LOADS)) {
    report.results[title] = await interleaveLoad(subjects, load, { rounds, forMs, admin });
    show(title, report.results[title]);
    report.budgets.push(...judge(title, report.results[title]));
  }
  report.budgets.push(...(await judgeScripts(subjects, admin)), ...(await judgeDenied(server, admin)));
  await close();
  admin.close();
  await server.stop();
  conclude(report);
}

/** Rounds over all subjects, each round starting with another one, after one that warms up. */
async function interleaveLoad(subjects, load, { rounds, forMs, admin }) {
  const names = Object.keys(subjects);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  const redisCpu = () => redisCpuUs(admin);
  for (let round = -1; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round + 1) % names.length];
      const options = { keys: load.keys ?? KEYS, forMs: round < 0 ? 100 : forMs, redisCpu };
      const sample = await measure(subjects[name], load, options);
      if (round >= 0) samples[name].push(sample);
    }
  }
  return Object.fromEntries(names.map((name) => [name, medians(samples[name])]));
}

function medians(samples) {
  const fields = Object.keys(samples[0]);
  const middle = (field) =>
    quantile(
      samples.map((sample) => sample[field]),
      0.5,
    );
  return Object.fromEntries(fields.map((field) => [field, Number(middle(field).toPrecision(4))]));
}

async function redisCpuUs(admin) {
  const info = await admin.command('INFO', 'cpu');
  const seconds = (name) => Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)[1]);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
}

function show(title, results) {
  printTable(
    title,
    Object.entries(results).map(([subject, { perSecond, mainUs, processUs, redisUs, p50, p99 }]) => ({
      subject,
      'hits/s': Math.round(perSecond),
      'main µs': mainUs.toFixed(2),
      'process µs': processUs.toFixed(2),
      'redis µs': redisUs.toFixed(2),
      'p50 µs': Math.round(p50),
      'p99 µs': Math.round(p99),
    })),
  );
}

/** The ratios to the best of the peers, for each field by itself. */
function judge(title, results) {
  const own = results[CARAPACE] ?? results[CARAPACE_IOREDIS];
  if (!own || !BUDGETS[title]) return [];
  return Object.entries(BUDGETS[title]).map(([field, allowed]) => {
    const peers = PEERS.map((peer) => results[peer][field]);
    const isFloor = field === 'perSecond';
    const best = isFloor ? Math.max(...peers) : Math.min(...peers);
    const value = Number((own[field] / best).toFixed(3));
    return {
      what: `${title}: ${field}`,
      value,
      allowed: `${isFloor ? '≥' : '≤'} ${allowed}`,
      pass: isFloor ? value >= allowed : value <= allowed,
    };
  });
}

/** How long the longest script run takes with 1,024 in flight. */
async function judgeScripts(subjects, admin) {
  if (!subjects[CARAPACE]) return [];
  await admin.command('SLOWLOG', 'RESET');
  await admin.command('CONFIG', 'RESETSTAT');
  await measure(subjects[CARAPACE], { inFlight: 1024 }, { keys: KEYS, forMs: 500, redisCpu: async () => 0 });
  const slow = await admin.command('SLOWLOG', 'GET', 1000);
  const stats = await admin.command('INFO', 'commandstats');
  const [, calls, average] = /cmdstat_evalsha:calls=(\d+),usec=\d+,usec_per_call=([\d.]+)/.exec(stats) ?? [];
  const longest = Math.max(0, ...slow.map(([, , micros]) => micros));
  console.log(
    `\nscript runs at 1024 in flight: ${calls}, on average ${average} µs, ${slow.length} above ${MOST_SCRIPT_US} µs, the longest of them ${longest} µs`,
  );
  const share = slow.length / Number(calls);
  return [
    {
      what: `script runs above ${MOST_SCRIPT_US} µs, share`,
      value: Number(share.toFixed(5)),
      allowed: '≤ 0.001',
      pass: share <= 0.001,
    },
  ];
}

/** A client that is over its limit: what asking once more costs the app and Redis. */
async function judgeDenied(server, admin) {
  const own = await openCarapace({ url: server.url }, { limit: 1 });
  if (!own?.isDeniedHere) return [];
  const ask = (key) => new Promise((resolve) => own.hit(key, resolve));
  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await admin.command('INFO', 'stats'))[1]);
  const samples = [];
  let sent = 0;
  for (let round = 0; round < 15; round += 1) {
    const key = `denied-${round}`;
    while (await ask(key));
    const before = await commands();
    const start = process.hrtime.bigint();
    let denied = 0;
    for (let count = 0; count < 20_000; count += 1) if (own.isDeniedHere(key)) denied += 1;
    samples.push(Number(process.hrtime.bigint() - start) / 20_000 / 1000);
    sent += (await commands()) - before - 1;
    if (denied !== 20_000) sent = NaN;
  }
  await own.close();
  const value = Number(quantile(samples, 0.5).toFixed(3));
  return [
    { what: 'a denied key: commands to Redis', value: sent, allowed: '≤ 0', pass: sent === 0 },
    { what: 'a denied key: µs', value, allowed: `≤ ${MOST_DENIED_US}`, pass: value <= MOST_DENIED_US },
  ];
}

function conclude(report) {
  if (report.budgets.length > 0) {
    const rows = report.budgets.map(({ what, value, allowed, pass }) => ({
      what,
      value,
      allowed,
      '': pass ? 'pass' : 'MISS',
    }));
    printTable('carapace, of the best of the peers', rows);
  }
  console.log(`\n${JSON.stringify(report)}`);
  if (report.budgets.some(({ pass }) => !pass)) process.exitCode = 1;
}

await main(Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 200));
