import { spawnSync } from 'node:child_process';

/**
 * The newest version of glibc that a library asks for, by its dynamic symbols (binutils' objdump).
 * @param {string} library
 */
export function newestGlibc(library) {
  const { status, stdout, error } = spawnSync('objdump', ['-T', library], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw error ?? new Error(`objdump -T ${library} failed`);
  const versions = [...stdout.matchAll(/GLIBC_(\d+\.\d+)/g)].map(([, version]) => version);
  versions.sort((one, other) => one.localeCompare(other, 'en', { numeric: true }));
  return versions.at(-1) ?? '0.0';
}
