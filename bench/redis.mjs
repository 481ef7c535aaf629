// What a hit on Redis costs: against rate-limit-redis (ioredis with and without auto-pipelining, node-redis),
// rate-limiter-flexible, and a batched script by hand in plain JavaScript, all in one process on one server, interleaved.
// Store against store: no middleware, no header fields. The flags are in
// bench/harness/report.mjs, the budgets in bench/budgets.json.
import { createRequire } from 'node:module';
import { printTable, quantile, summarize } from './harness.mjs';
import { openReport } from './harness/report.mjs';
import { measure } from './redis/load.mjs';
import {
  CARAPACE,
  CARAPACE_IOREDIS,
  CARAPACE_SLIDING,
  PEERS,
  TWIN,
  openCarapace,
  openSubjects,
} from './redis/subjects.mjs';

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
/** What is compared at each load: the subject with the least of it is the best of the peers. */
const MEASURES = {
  time: ['Time of a hit at the highest rate', 'µs', (sample) => 1e6 / sample.perSecond],
  main: ['CPU time of the main thread for a hit', 'µs', (sample) => sample.mainUs],
  process: ['CPU time of the whole process for a hit', 'µs', (sample) => sample.processUs],
  redis: ['CPU time of Redis for a hit', 'µs', (sample) => sample.redisUs],
  p99: ['99th percentile of how long a hit takes', 'µs', (sample) => sample.p99],
};
const MOST_SCRIPT_US = 300;
const FOR_MS = 200;

async function main() {
  const report = openReport('redis', {
    about: 'A hit on Redis, store against store, without middleware and header fields.',
    packages: ['rate-limit-redis', 'ioredis', 'redis', 'rate-limiter-flexible'],
    rounds: 5,
    quickRounds: 3,
  });
  const server = await startRedis({
    config: { 'slowlog-log-slower-than': String(MOST_SCRIPT_US), 'slowlog-max-len': '1000' },
  });
  const admin = await connect(server.address);
  const { subjects, close } = await openSubjects(server.port);
  const adders = openGroups(report);
  for (const [title, load] of Object.entries(LOADS)) {
    if (!report.isWanted(title)) continue;
    const samples = await interleaveLoad(subjects, load, { rounds: report.rounds, forMs: FOR_MS, admin });
    show(title, samples);
    for (const [key, [, , valueOf]] of Object.entries(MEASURES)) {
      // Where a rate is asked for, everybody who can has that.
      if (key !== 'time' || load.inFlight) adders[key](title, compare(samples, valueOf));
    }
  }
  await addScripts(report, subjects, admin);
  await addDenied(report, server, admin);
  await close();
  admin.close();
  await server.stop();
  report.finish();
}

function openGroups(report) {
  const subjects = {
    peer: 'the best package',
    carapace: 'carapace',
    sliding: CARAPACE_SLIDING,
    over: CARAPACE_IOREDIS,
    twin: TWIN,
  };
  return Object.fromEntries(
    Object.entries(MEASURES).map(([key, [title, unit]]) => [key, report.group(key, { title, unit, subjects })]),
  );
}

/** The best of the peers, for each measure by itself, beside the others. */
function compare(samples, valueOf) {
  const summary = (name) => samples[name] && summarize({ wall: samples[name].map(valueOf) });
  const peers = PEERS.map((is) => ({ ...summary(is), is })).sort((left, right) => left.median - right.median);
  const [carapace, sliding, over, twin] = [CARAPACE, CARAPACE_SLIDING, CARAPACE_IOREDIS, TWIN].map(summary);
  return { peer: peers[0], carapace, sliding, over, twin };
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
  return samples;
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

function show(title, samples) {
  const results = Object.entries(samples).map(([subject, all]) => ({ subject, ...medians(all) }));
  printTable(
    title,
    results.map(({ subject, perSecond, mainUs, processUs, redisUs, p50, p99 }) => ({
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

/** How long the longest script run takes with 1,024 in flight. */
async function addScripts(report, subjects, admin) {
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
  const add = report.group('scripts', {
    title: `Share of script runs above ${MOST_SCRIPT_US} µs at 1,024 in flight`,
    unit: '',
    subjects: { carapace: CARAPACE },
  });
  add('1024 in flight', { carapace: { median: slow.length / Number(calls) } });
}

/** A client that is over its limit: what asking once more costs the app and Redis. */
async function addDenied(report, server, admin) {
  const own = await openCarapace({ url: server.url }, { limit: 1 });
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
  const time = report.group('denied', {
    title: 'Asking once more for a key that is over its limit',
    subjects: { carapace: CARAPACE },
    unit: 'µs',
  });
  time('time', { carapace: summarize({ wall: samples }) });
  const addCommands = report.group('denied-commands', {
    title: 'Commands to Redis for 300,000 hits of keys that are over their limits',
    subjects: { carapace: CARAPACE },
    unit: '',
  });
  addCommands('commands', { carapace: { median: sent } });
}

await main();
