// Publishes the tarballs of dist/: every platform's package first, each seen in the registry before the next step, the main one
// last, so that nobody can install a main package whose core is missing. Versions that are there already are left alone, so a
// run that broke off can be repeated. With --dry-run it only says what it would do.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PLATFORMS, packageName } from './platforms.mjs';

const ATTEMPTS = 30;
const isDry = process.argv.includes('--dry-run');
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const platforms = PLATFORMS.map(({ name }) => packageName(name));
const missing = [...platforms, 'carapace'].filter((name) => !existsSync(tarball(name)));
if (missing.length > 0) throw new Error(`dist/ lacks ${missing.join(', ')}`);

for (const name of platforms) publish(name);
for (const name of platforms) await seen(name);
publish('carapace');
await seen('carapace');

/** @param {string} name */
function tarball(name) {
  return join('dist', `${name}-${version}.tgz`);
}

/** @param {string} name */
function publish(name) {
  if (isPublished(name)) return process.stdout.write(`${name}@${version} is published already\n`);
  const args = ['publish', tarball(name), '--provenance', '--access', 'public', '--ignore-scripts'];
  if (isDry) return process.stdout.write(`npm ${args.join(' ')}\n`);
  const { status } = spawnSync('npm', args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${name} was not published`);
}

/** @param {string} name */
async function seen(name) {
  for (let attempt = 0; attempt < ATTEMPTS && !isDry; attempt += 1) {
    if (isPublished(name)) return;
    await wait(10_000);
  }
  if (!isDry) throw new Error(`${name}@${version} does not appear in the registry`);
}

/** @param {string} name */
function isPublished(name) {
  const { stdout } = spawnSync('npm', ['view', `${name}@${version}`, 'version'], { encoding: 'utf8' });
  return stdout.trim() === version;
}
