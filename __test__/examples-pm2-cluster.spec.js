'use strict';

const assert = require('node:assert/strict');
const { existsSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { hasCurl, startExample, tryReadme } = require('./helpers/example-process');
const { send } = require('./helpers/servers');

/** Starts the cluster on a file of counts, of the test's own unless told, when all of its processes listen. */
async function startCluster(context, { workers = 4, counts = countsOf(context) } = {}) {
  const started = await startExample(context, 'pm2-cluster/cluster.js', { WORKERS: `${workers}`, COUNTS: counts });
  await started.said(new RegExp(`(?:listens on[^]*){${workers}}`));
  return { ...started, counts };
}

/** @param {import('node:test').TestContext} context */
function countsOf(context) {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-cluster-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'counts.store');
}

/** The statuses of so many requests at once, and which processes answered. */
async function ask(port, count) {
  const answers = await Promise.all(Array.from({ length: count }, () => send(port)));
  const passed = answers.filter(({ status }) => status === 200);
  assert.ok(answers.every(({ status }) => status === 200 || status === 429));
  return { passed: passed.length, processes: new Set(passed.map(({ body }) => JSON.parse(body).process)) };
}

describe('the example of a cluster', () => {
  it('does what its README says', { skip: !hasCurl() && 'curl is missing' }, async (context) => {
    const { port } = await startCluster(context);
    const tried = tryReadme('pm2-cluster', port);
    assert.equal(tried.length, 2);
    for (const { command, wanted, got } of tried) assert.match(got, wanted, command);
  });

  it('has one limit for all processes, which outlives them', async (context) => {
    const { port, child, ended, counts } = await startCluster(context);
    const { passed, processes } = await ask(port, 100);
    assert.equal(passed, 20);
    assert.ok(processes.size > 1, 'one process answered all');
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    const again = await startCluster(context, { workers: 2, counts });
    assert.equal((await ask(again.port, 10)).passed, 0);
  });

  it('replaces a process that is killed, and goes on counting', async (context) => {
    const { port, said, output } = await startCluster(context, { workers: 2 });
    const before = (await ask(port, 8)).passed;
    assert.equal(before, 8);
    const [, first] = /process (\d+) listens/.exec(output()) ?? [];
    process.kill(Number(first), 'SIGKILL');
    await said(/(?:listens on[^]*){3}/);
    assert.equal((await ask(port, 30)).passed, 12);
  });

  it('ends with 1 when its processes cannot start', async (context) => {
    const counts = join(__filename, 'counts.store');
    await assert.rejects(startCluster(context, { counts }), /ERR_CARAPACE_STORE_FILE/);
  });

  it('is what PM2 is told to start', () => {
    const { apps } = require('../examples/pm2-cluster/ecosystem.config.js');
    const [{ script, cwd, exec_mode: mode, instances }] = apps;
    assert.ok(existsSync(join(cwd, script)));
    assert.deepEqual([apps.length, mode, instances], [1, 'cluster', 'max']);
  });
});
