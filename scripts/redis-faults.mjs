// Faults of Redis under continuous load, through real limiters, one after the other; a line of figures for each. Exits with 1
// when a promise is broken. `npm run test:faults -- sentinel` runs those whose name has this text, or one of several; `--via
// ioredis` or `--via nodeRedis` those that concern such a client. Each decision is timed by a clock in the core, from its
// hand-over to the I/O thread until its answer is ready; beside it from its call, and on the whole way.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { FAULTS } from './redis/faults.mjs';
import { runFault } from './redis/run-fault.mjs';

const { hasRedis } = createRequire(import.meta.url)('../__test__/helpers/redis/server.js');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { via: { type: 'string' }, rate: { type: 'string' }, cpu: { type: 'string' }, timeout: { type: 'string' } },
});
if (!hasRedis()) {
  process.stderr.write('redis-server is missing\n');
  process.exit(1);
}

const options = {
  via: values.via,
  perSecond: Number(values.rate ?? 5_000),
  cpuShare: Number(values.cpu ?? 0.7),
  timeoutMs: Number(values.timeout ?? 100),
};
const isNamed = (name) => positionals.length === 0 || positionals.some((text) => name.includes(text));
const wanted = FAULTS.filter(({ name, isOwn }) => isNamed(name) && !(values.via && isOwn));
const COLUMNS = [
  'fault',
  'hits',
  'failed',
  'in the core ms',
  'from the call ms',
  'end to end ms',
  'wrong',
  'lost',
  'double',
  'last failure ms',
  'failed later',
  'unhandled',
  'cpu',
];
console.log(
  `${wanted.length} faults at ${options.perSecond} hits a second, deadline ${options.timeoutMs} ms\n\n| ${COLUMNS.join(' | ')} |`,
);
console.log(`|${'---|'.repeat(COLUMNS.length)}`);
for (const fault of wanted) {
  try {
    const result = await runFault(fault, options);
    console.log(`| ${rowOf(result).join(' | ')} |`);
    for (const line of result.broken) console.log(`  BROKEN: ${line}`);
    if (result.broken.length > 0) process.exitCode = 1;
  } catch (error) {
    console.log(`| ${fault.name} | \n  BROKEN: ${error.stack}`);
    process.exitCode = 1;
  }
}

function rowOf(result) {
  const {
    name,
    answered,
    failures,
    longestInCore,
    longestFromCall,
    longest,
    lost,
    double,
    recovery,
    failedLater,
    unhandled,
    uncaught,
    busy,
  } = result;
  const wrong = result.broken.filter((line) => /denied|admitted|counted/.test(line)).length;
  const ms = (value) => (value === undefined ? '–' : Math.round(value));
  const share = `${Math.round(busy * 100)} %`;
  return [
    name,
    answered,
    failures,
    ms(longestInCore),
    ms(longestFromCall),
    ms(longest),
    wrong,
    lost,
    double,
    ms(recovery),
    failedLater,
    unhandled + uncaught,
    share,
  ];
}
