// Makes the tarballs that npm would publish: the main package and, with a built core, this platform's. `npm run pack:local`
// builds the core with cargo-zigbuild against the oldest glibc when that is installed, and says so when it is not.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { newestGlibc } from './glibc.mjs';
import { licensesOf } from './licenses.mjs';
import { GLIBC_FLOOR, PLATFORMS, currentPlatform, packageName } from './platforms.mjs';
import { sbomOfCrates, sbomOfPackage } from './sbom.mjs';

const LARGEST_ADDON = 5 * 1024 * 1024;
const output = resolve('dist');
const main = JSON.parse(readFileSync('package.json', 'utf8'));

const { values: options } = parseArgs({
  options: {
    platform: { type: 'string', default: currentPlatform() },
    'only-platform': { type: 'boolean', default: false },
    'only-main': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

run(process.execPath, ['scripts/package/manifests.mjs', '--check']);
if (!options.keep) rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
const staging = mkdtempSync(join(tmpdir(), 'carapace-pack-'));
try {
  const platform = PLATFORMS.find(({ name }) => name === options.platform);
  if (platform === undefined) throw new Error(`no package is made for ${options.platform}`);
  if (!options['only-main']) packPlatform(platform, build(platform));
  if (!options['only-platform']) packMain();
} finally {
  rmSync(staging, { recursive: true, force: true });
}

/** @param {typeof PLATFORMS[number]} platform @returns {string} the library */
function build({ target, libc }) {
  const isZig = libc !== undefined && spawnSync('cargo-zigbuild', ['--version']).status === 0;
  const floor = libc === 'glibc' ? `.${GLIBC_FLOOR}` : '';
  if (libc === 'glibc' && !isZig) {
    process.stderr.write(
      `cargo-zigbuild is not installed: this build needs the glibc of this machine, not ${GLIBC_FLOOR}\n`,
    );
  }
  const [command, wanted] = isZig ? ['zigbuild', `${target}${floor}`] : ['build', target];
  run('cargo', [command, '--locked', '--lib', '--release', '--target', wanted], reproducible(libc));
  const folder = join(process.env.CARGO_TARGET_DIR ?? 'target', target, 'release');
  const library = ['libcarapace.so', 'libcarapace.dylib', 'carapace.dll']
    .map((name) => join(folder, name))
    .find((file) => existsSync(file));
  if (library === undefined) throw new Error(`cargo left no library in ${folder}`);
  if (floor && isZig) checkGlibc(library);
  const { size } = statSync(library);
  process.stdout.write(`${library}: ${(size / 1024 / 1024).toFixed(2)} MB\n`);
  if (size > LARGEST_ADDON) throw new Error(`the core has ${size} bytes, more than ${LARGEST_ADDON}`);
  return library;
}

/**
 * Neither the folder that it is built in nor the user's home is to be found in the binary.
 * @param {string | undefined} libc
 */
function reproducible(libc) {
  const home = process.env.CARGO_HOME ?? join(process.env.HOME ?? '', '.cargo');
  const flags = [`--remap-path-prefix=${process.cwd()}=/carapace`, `--remap-path-prefix=${home}=/cargo`];
  // A library for Node cannot hold the C library itself.
  if (libc === 'musl') flags.push('-Ctarget-feature=-crt-static');
  return { RUSTFLAGS: [process.env.RUSTFLAGS, ...flags].filter(Boolean).join(' '), SOURCE_DATE_EPOCH: '0' };
}

/** @param {string} library */
function checkGlibc(library) {
  const needed = newestGlibc(library);
  process.stdout.write(`needs glibc ${needed}; the floor is ${GLIBC_FLOOR}\n`);
  if (isNewer(needed, GLIBC_FLOOR)) throw new Error(`the core needs glibc ${needed}, newer than ${GLIBC_FLOOR}`);
}

/** @param {string} one @param {string} other */
function isNewer(one, other) {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number));
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
}

/** @param {typeof PLATFORMS[number]} platform @param {string} library */
function packPlatform({ name, target, file }, library) {
  const folder = join(staging, name);
  cpSync(join('npm', name), folder, { recursive: true });
  cpSync('LICENSE', join(folder, 'LICENSE'));
  cpSync(library, join(folder, file));
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.md'), licensesOf(target));
  writeFileSync(join(folder, 'sbom.cdx.json'), sbomOfCrates(target, packageName(name), main.version));
  pack(folder);
}

function packMain() {
  const folder = join(staging, 'main');
  mkdirSync(folder);
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md']) cpSync(file, join(folder, file));
  for (const file of [
    'index.js',
    'index.mjs',
    'index.d.ts',
    'index.d.mts',
    'commonjs.d.ts',
    'lib',
    'compat',
    'docs',
    'bin',
  ]) {
    if (existsSync(file)) cpSync(file, join(folder, file), { recursive: true });
  }
  rmSync(join(folder, 'lib/native'), { recursive: true, force: true });
  const manifest = { ...main };
  delete manifest.scripts;
  delete manifest.devDependencies;
  manifest.optionalDependencies = Object.fromEntries(PLATFORMS.map(({ name }) => [packageName(name), main.version]));
  manifest.files = [...main.files, 'sbom.cdx.json'];
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(folder, 'sbom.cdx.json'), sbomOfPackage(main));
  pack(folder);
}

/** @param {string} folder */
function pack(folder) {
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', output], {}, folder);
}

/** @param {string} command @param {string[]} args @param {Record<string, string>} [environment] @param {string} [cwd] */
function run(command, args, environment = {}, cwd = process.cwd()) {
  const env = { ...process.env, ...environment };
  const { status, error } = spawnSync(command, args, {
    stdio: 'inherit',
    cwd,
    env,
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(' ')} failed`);
}
