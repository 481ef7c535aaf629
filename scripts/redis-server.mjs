// The tests of the Redis store need a redis-server, and openssl for the certificates of its TLS tests. Where apt-get can
// install them it does; elsewhere one line says what is missing, and the tests that need them are skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const NEEDED = { 'redis-server': '--version', 'redis-cli': '--version', openssl: 'version' };
/** Keeps Debian's packages from starting the services that they bring. */
const POLICY = '/usr/sbin/policy-rc.d';

/** Installs what is missing when that is possible without asking anybody. */
export function prepareRedis() {
  const missing = Object.keys(NEEDED).filter((command) => !runs(command));
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && runs('apt-get', '--version') && install()) return;
  process.stderr.write(
    `the tests of the Redis store are skipped: install ${missing.join(', ')} (Debian and Ubuntu: apt-get install redis-server openssl)\n`,
  );
}

function install() {
  const quiet = !existsSync(POLICY);
  if (quiet) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return aptInstall() || (apt('update') && aptInstall());
  } finally {
    if (quiet) rmSync(POLICY);
  }
}

const aptInstall = () => apt('install', '-y', '--no-install-recommends', 'redis-server', 'openssl');

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', ['-q', ...args], { env, stdio: ['ignore', 2, 2] }).status === 0;
}

function runs(command, argument = NEEDED[command]) {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;
}
