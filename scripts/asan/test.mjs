// The tests that cross into the core, with the core built by the address sanitizer and its runtime loaded into Node (Linux, gcc):
// `npm run test:asan [-- <part of a spec's name> …]`. Exits with 1 when a test fails or the sanitizer has anything to say.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
process.chdir(root);

/** Those of which much happens in the core. The others make the same calls, more slowly. */
const SPECS = [
  'client-key',
  'corpus',
  'cors',
  'hooks',
  'host-store',
  'hpp',
  'json',
  'pipeline',
  'query-parser',
  'rate-limit',
  'redis',
  'sanitize',
  'security-headers',
  'urlencoded',
];
/** They start processes that they kill or count, or time what the sanitizer slows down. */
const LEFT_OUT =
  /^(redis-rig|redis-faults|redis-outage|pipeline-crossings|rate-limit-crossings|security-headers-docs)\./;

const target = `${{ arm64: 'aarch64', x64: 'x86_64' }[process.arch]}-unknown-linux-gnu`;
const runtime = realpathSync(output('gcc', ['-print-file-name=libasan.so']));
const unlocked = { RUSTC_BOOTSTRAP: '1', RUSTFLAGS: '-Zsanitizer=address' };
const build = ['build', '--locked', '--lib', '--profile', 'test-hooks', '--features', 'test-hooks', '--target', target];
// Only with a target are build scripts and macros left as they are.
if (spawnSync('cargo', build, { stdio: 'inherit', env: { ...process.env, ...unlocked } }).status !== 0) process.exit(1);
const core = join(root, process.env.CARGO_TARGET_DIR ?? 'target', target, 'test-hooks', 'libcarapace.so');

const wanted = process.argv.length > 2 ? process.argv.slice(2) : SPECS;
const specs = readdirSync('__test__')
  .filter((file) => file.endsWith('.spec.js') && !LEFT_OUT.test(file))
  .filter((file) => wanted.some((part) => file.startsWith(part)))
  .map((file) => join('__test__', file));

const reports = mkdtempSync(join(tmpdir(), 'carapace-asan-'));
const addon = join(reports, 'core.node');
spawnSync('cp', [core, addon]);
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency', '1', ...specs], {
  stdio: 'inherit',
  env: {
    ...process.env,
    CARAPACE_ASAN_CORE: addon,
    LD_PRELOAD: runtime,
    NODE_OPTIONS: `--require ${join(root, 'scripts', 'asan', 'core.cjs')}`,
    // V8 frees nothing at the end. What a child process says is in a file of its own.
    ASAN_OPTIONS: `detect_leaks=0:detect_stack_use_after_return=1:log_path=${join(reports, 'report')}`,
  },
});
const found = readdirSync(reports).filter((file) => file.startsWith('report'));
for (const file of found) process.stdout.write(`\n${basename(file)}\n${readFileSync(join(reports, file), 'utf8')}\n`);
process.stdout.write(`\n${specs.length} files, ${found.length} reports of the sanitizer\n`);
if (existsSync(reports)) rmSync(reports, { recursive: true });
process.exitCode = status === 0 && found.length === 0 ? 0 : 1;

/** @param {string} command @param {string[]} args */
function output(command, args) {
  const { stdout, status } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
  return stdout.trim();
}
