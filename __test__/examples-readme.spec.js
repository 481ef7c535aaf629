'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { freePort } = require('./helpers/redis/ports');
const { hasRedis, startRedis } = require('./helpers/redis/server');
const { until } = require('./helpers/redis/until');
const { hasCurl } = require('./helpers/example-process');
const { send, sendJson } = require('./helpers/servers');

const root = join(__dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = (/** @type {string} */ language) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code]) => code);
const [quickStart, withRedis] = blocks('js');

/** A folder as `npm install carapace express` leaves it, with this file. */
function newcomer(context, code) {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-newcomer-'));
  context.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/carapace'));
  symlinkSync(join(root, 'node_modules/express'), join(folder, 'node_modules/express'));
  writeFileSync(join(folder, 'app.js'), code);
  return folder;
}

/** `PORT=… node app.js`, until it answers. */
async function start(context, folder, environment = {}) {
  const port = await freePort();
  const env = { ...process.env, PORT: `${port}`, ...environment };
  const child = spawn(process.execPath, ['app.js'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  await until(() => send(port).then(Boolean, () => false), 'the app to answer');
  return port;
}

describe("the README's quick start", () => {
  it('never sees the operator of the attack above it', async (context) => {
    const port = await start(context, newcomer(context, quickStart));
    const [, attack] = /-d '(.*)'/.exec(blocks('sh')[0]) ?? [];
    const { headers, body } = await sendJson(port, attack, { path: '/login' });
    assert.equal(body, '{"email":"admin@example.com","password":{}}');
    assert.equal(headers['x-content-type-options'], 'nosniff');
  });

  const skip = (!hasRedis() && 'redis-server is missing') || (!hasCurl() && 'curl is missing');
  it('with its lines about Redis has one limit for two instances', { skip }, async (context) => {
    const redis = await startRedis();
    context.after(() => redis.stop());
    const code = quickStart.replace(/^const shield = .*?^\}\);\n/ms, withRedis);
    assert.notEqual(code, quickStart);
    const folder = newcomer(context, code);
    const one = await start(context, folder, { REDIS_URL: redis.url });
    const other = await start(context, folder, { REDIS_URL: redis.url });
    const line = blocks('sh').find((block) => block.startsWith('for port in ')) ?? '';
    const local = line.replaceAll('3000', `${one}`).replaceAll('3001', `${other}`).replace('localhost', '127.0.0.1');
    const { stdout } = spawnSync('sh', ['-c', local], { encoding: 'utf8', timeout: 20_000 });
    assert.equal(stdout.trim(), '200 200 200 200 200 429');
  });
});
