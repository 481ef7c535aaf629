// Makes a fresh clone ready: npm packages, the native core, and with --for-tests the core with its test hooks.
// Quick when nothing is missing: it compares a hash of the inputs with the one noted at the last build.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeNativeTypes } from './native-types.mjs';
import { HOOKED_ADDON } from './paths.mjs';
import { prepareRedis } from './redis-server.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const LIBRARY = { win32: 'carapace.dll', darwin: 'libcarapace.dylib' }[process.platform] ?? 'libcarapace.so';

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) fail(`carapace needs Node 20 or newer; this is ${process.version}`);

once('node_modules/.carapace-inputs', hashOf(['package-lock.json']), () =>
  run('npm', ['ci', '--no-audit', '--no-fund']),
);

const sources = hashOf(['Cargo.toml', 'Cargo.lock', 'build.rs', 'package.json', ...rustFiles('src')]);
once('lib/native/.inputs', sources, buildAddon);
if (process.argv.includes('--for-tests')) {
  once('target/test-hooks.inputs', sources, buildHookedAddon);
  prepareRedis();
}

function buildAddon() {
  const definitions = mkdtempSync(join(tmpdir(), 'carapace-types-'));
  // The definitions are a side effect of compiling, so the crate itself is compiled whatever cargo remembers.
  const now = new Date();
  utimesSync('src/lib.rs', now, now);
  compile(['--release'], join('release', LIBRARY), `lib/native/carapace.${platformName()}.node`, {
    NAPI_TYPE_DEF_TMP_FOLDER: definitions,
  });
  writeNativeTypes(definitions, 'lib/native/binding.d.ts');
  rmSync(definitions, { recursive: true });
}

/** The same core with panics on demand and a crossing counter; tests load it in place of the shipped one. */
function buildHookedAddon() {
  compile(['--profile', 'test-hooks', '--features', 'test-hooks'], join('test-hooks', LIBRARY), HOOKED_ADDON, {});
}

function compile(options, library, target, environment) {
  const found = spawnSync('cargo', ['--version'], { stdio: 'ignore' });
  if (found.error || found.status !== 0) {
    fail('Rust 1.88 or newer is missing: install it with rustup, then run this again');
  }
  run('cargo', ['build', '--locked', '--lib', ...options], { ...process.env, ...environment });
  mkdirSync(dirname(target), { recursive: true });
  // A copy over a library that a process has loaded would crash it; a new file in its place does not.
  rmSync(target, { force: true });
  copyFileSync(join(process.env.CARGO_TARGET_DIR ?? 'target', library), target);
}

/** The file name's part that says for which platform a local build is; lib/loader.js looks for the same. */
function platformName() {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${base}-msvc`;
  if (process.platform !== 'linux') return base;
  return process.report.getReport().header.glibcVersionRuntime ? `${base}-gnu` : `${base}-musl`;
}

/** Runs `action` unless the note in `file` says that it was done for these very inputs. */
function once(file, inputs, action) {
  if (existsSync(file) && readFileSync(file, 'utf8') === inputs) return;
  action();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, inputs);
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function rustFiles(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function run(command, args, env = process.env) {
  const { status, error } = spawnSync(command, args, { env, stdio: 'inherit', shell: process.platform === 'win32' });
  if (error || status !== 0) fail(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
