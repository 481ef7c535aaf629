// The platforms that get a package of their own, under the names that lib/loader.js asks for.

/** @type {{ name: string, target: string, os: string, cpu: string, libc?: string, file: string }[]} */
export const PLATFORMS = [
  ['linux-x64-gnu', 'x86_64-unknown-linux-gnu', 'glibc'],
  ['linux-x64-musl', 'x86_64-unknown-linux-musl', 'musl'],
  ['linux-arm64-gnu', 'aarch64-unknown-linux-gnu', 'glibc'],
  ['linux-arm64-musl', 'aarch64-unknown-linux-musl', 'musl'],
  ['darwin-x64', 'x86_64-apple-darwin'],
  ['darwin-arm64', 'aarch64-apple-darwin'],
  ['win32-x64-msvc', 'x86_64-pc-windows-msvc'],
  ['win32-arm64-msvc', 'aarch64-pc-windows-msvc'],
].map(([name, target, libc]) => {
  const [os, cpu] = name.split('-');
  return { name, target, os, cpu, ...(libc && { libc }), file: `carapace.${name}.node` };
});

/** The oldest glibc that the gnu builds run on: that of CentOS 7, and older than any supported Node's. */
export const GLIBC_FLOOR = '2.17';

/** @param {string} name */
export const packageName = (name) => `carapace-${name}`;

/** The name of the platform that this process runs on. */
export function currentPlatform() {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${base}-msvc`;
  if (process.platform !== 'linux') return base;
  return process.report.getReport().header.glibcVersionRuntime ? `${base}-gnu` : `${base}-musl`;
}
