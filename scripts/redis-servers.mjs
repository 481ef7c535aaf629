// The Redis store's own tests against every server that can be had here, one after the other: CARAPACE_REDIS_SERVERS, paths
// separated as in PATH, else that of the system and those of scripts/redis/servers.txt. Exits with 1 when a test failed.
// `npm run test:servers -- limiter` runs the tests of that name alone.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findServers } from './redis/servers.mjs';

const wanted = process.argv[2] ?? '';
const isWanted = (file) => /(?:^|-)redis-.*\.spec\.js$/.test(file) && file.includes(wanted);
const specs = readdirSync('__test__').filter(isWanted).sort();
const servers = findServers(join('target', 'redis-servers'));
// Without files node would run what it takes for tests.
if (servers.length === 0 || specs.length === 0) fail(`${servers.length} servers, ${specs.length} files of tests`);
else console.log(`\n${servers.map(test).join('\n')}`);

/** One line on how the tests went; what failed is printed as it was told. */
function test({ name, path }) {
  const args = ['--test', '--test-reporter', 'spec', ...specs.map((file) => join('__test__', file))];
  const env = { ...process.env, CARAPACE_REDIS_SERVER: path };
  const { stdout, status } = spawnSync(process.execPath, args, { env, encoding: 'utf8', maxBuffer: 1 << 28 });
  const count = (word) => Number(new RegExp(`^ℹ ${word} (\\d+)$`, 'm').exec(stdout)?.[1] ?? 0);
  const reasons = [...new Set([...stdout.matchAll(/^ *﹣ .*\) # (?:SKIP )?(.+)$/gm)].map(([, reason]) => reason))];
  if (status !== 0) fail(`\n── ${name}\n${stdout.slice(stdout.indexOf('✖ failing tests'))}`);
  const skipped = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  const line = `${name}: ${count('pass')} passed, ${count('fail')} failed, ${count('skipped')} skipped${skipped}`;
  console.log(line);
  return line;
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}
