'use strict';

const { spawn, spawnSync } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { makeCertificates } = require('./certificates');
const { freePort } = require('./ports');
const { until } = require('./until');
const { ask } = require('./wire');

/**
 * @typedef {object} ServerOptions
 * @property {string} [password] `requirepass`
 * @property {string[]} [acl] lines such as `user app on >secret ~rl:* +@all`
 * @property {boolean} [tls] serves TLS alone, with certificates made for this server
 * @property {boolean} [unix] listens on a socket file as well
 * @property {string} [maxmemory] such as `2mb`; what happens then is `noeviction`
 * @property {Record<string, string>} [config] any other setting
 *
 * @typedef {Awaited<ReturnType<typeof startRedis>>} RedisServer
 */

/** Which server is tested: `npm run test:servers` names one after the other. */
const BINARY = process.env.CARAPACE_REDIS_SERVER || 'redis-server';

/** What still runs when the process ends is ended with it. */
const running = new Set();
process.on('exit', () => {
  for (const stop of running) stop();
});

/** Whether tests with a real server can run here. */
function hasRedis() {
  return spawnSync(BINARY, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Whether the server was built with TLS: only then does it miss a certificate. It ends at once either way. */
function hasTls() {
  const { stdout, stderr } = spawnSync(BINARY, ['-'], {
    input: 'port 0\ntls-port 1\n',
    encoding: 'utf8',
    timeout: 5_000,
  });
  return `${stdout}${stderr}`.includes('tls-cert-file');
}

/**
 * Starts a server on a free port of the loopback interface, with its files in a directory of its own and nothing saved.
 * @param {ServerOptions} [options]
 */
async function startRedis(options = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'carapace-redis-'));
  const port = await freePort();
  const certificates = options.tls ? makeCertificates(dir) : undefined;
  const path = options.unix ? join(dir, 'redis.sock') : undefined;
  const file = join(dir, 'redis.conf');
  writeFileSync(file, configLines(options, dir, port, path));
  /** @type {import('./wire').Address} */
  const address = {
    port,
    tls: certificates && { ca: certificates.ca, servername: 'localhost' },
    password: options.password,
  };
  const keeper = keepProcess(BINARY, [file, ...(options.config?.sentinel ? ['--sentinel'] : [])], dir);

  /** Waits until the server answers commands. */
  const ready = () =>
    until(async () => {
      keeper.mustRun();
      const answer = await ask(address, 'PING').catch((error) => String(error.message));
      return answer === 'PONG' || /^(NOAUTH|NOPERM|MASTERDOWN|DENIED)/.test(answer);
    }, 'redis-server to answer');

  const server = {
    port,
    dir,
    path,
    certificates,
    address,
    url: `${options.tls ? 'rediss' : 'redis'}://${options.password ? `:${options.password}@` : ''}127.0.0.1:${port}`,
    get pid() {
      return keeper.pid();
    },
    output: keeper.output,
    start: async () => {
      keeper.start();
      await ready();
    },
    ready,
    /** @param {...(string | number)} words */
    command: (...words) => ask(address, ...words),
    /** Ends the server as an administrator would, without saving. */
    shutdown: () => keeper.end('SIGTERM'),
    kill: () => keeper.end('SIGKILL'),
    pause: () => keeper.signal('SIGSTOP'),
    resume: () => keeper.signal('SIGCONT'),
    /** Ends it and starts it again on the same port, empty. */
    restart: async () => {
      await keeper.end('SIGKILL');
      await server.start();
    },
    /** Ends it for good and removes its files. */
    stop: async () => {
      await keeper.end('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/**
 * @param {ServerOptions} options
 * @param {string} dir
 * @param {number} port
 * @param {string | undefined} path
 */
function configLines({ password, acl = [], tls, maxmemory, config = {} }, dir, port, path) {
  const { sentinel, ...others } = config;
  /** @type {Record<string, string>} */
  const settings = { bind: '127.0.0.1', port: tls ? '0' : String(port), dir, daemonize: 'no', loglevel: 'notice' };
  if (!sentinel) Object.assign(settings, { save: '""', appendonly: 'no' });
  if (password) settings.requirepass = JSON.stringify(password);
  if (path) settings.unixsocket = path;
  if (maxmemory) Object.assign(settings, { maxmemory, 'maxmemory-policy': 'noeviction' });
  if (tls) {
    Object.assign(settings, {
      'tls-port': String(port),
      'tls-cert-file': join(dir, 'server.crt'),
      'tls-key-file': join(dir, 'server.key'),
      'tls-ca-cert-file': join(dir, 'ca.crt'),
      'tls-auth-clients': 'no',
    });
  }
  const lines = Object.entries({ ...settings, ...others }).map(([name, value]) => `${name} ${value}`);
  return [...lines, ...acl, sentinel ?? ''].join('\n');
}

/**
 * Keeps one process that can be ended and started again.
 * @param {string} command
 * @param {string[]} args
 * @param {string} dir
 */
function keepProcess(command, args, dir) {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child;
  /** @type {Promise<void>} */
  let ended = Promise.resolve();
  let log = '';
  const abandon = () => {
    child?.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  return {
    pid: () => child?.pid,
    output: () => log,
    mustRun() {
      if (!child) throw new Error(`${command} ended at once:\n${log}`);
    },
    start() {
      log = '';
      const started = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      child = started;
      running.add(abandon);
      const keep = (/** @type {Buffer} */ chunk) => (log = `${log}${chunk}`.slice(-20_000));
      started.stdout.on('data', keep);
      started.stderr.on('data', keep);
      ended = new Promise((resolve) => {
        const forget = () => {
          if (child === started) child = undefined;
          running.delete(abandon);
          resolve();
        };
        started.on('error', (error) => {
          log += error.message;
          forget();
        });
        started.on('exit', forget);
      });
    },
    /** @param {NodeJS.Signals} signal */
    signal(signal) {
      if (!child?.kill(signal)) throw new Error(`${command} does not run`);
    },
    /** @param {NodeJS.Signals} signal */
    async end(signal) {
      child?.kill(signal);
      await ended;
    },
  };
}

module.exports = { hasRedis, hasTls, startRedis };
