'use strict';

// Worker threads share the table of their process: policies of one name count together, those without a name apart.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { Worker } = require('node:worker_threads');

const HITS = 250;

/** Counts hits of one client, and posts how many were used at each. */
const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { rateLimit } = require(workerData.carapace);
  const limiter = rateLimit({ limit: 5, algorithm: 'fixed-window', mode: 'report', headers: false, ...workerData.options });
  parentPort.once('message', () => {
    const used = [];
    for (let count = 0; count < workerData.hits; count += 1) {
      const request = { headers: {}, socket: { remoteAddress: '192.0.2.1' } };
      limiter(request, { headersSent: true }, () => used.push(request.rateLimit.used));
    }
    parentPort.postMessage(used);
  });
  parentPort.postMessage('ready');
`;

/**
 * @param {object} options
 * @returns {Promise<number[][]>} what each of four threads was told
 */
async function countInThreads(options) {
  const workerData = { carapace: require.resolve('..'), options, hits: HITS };
  const workers = Array.from({ length: 4 }, () => new Worker(PROGRAM, { eval: true, workerData }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const answers = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage('go');
  const used = (await Promise.all(answers)).map(([numbers]) => numbers);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return used;
}

describe('worker threads', () => {
  it('count one after the other in a policy that they call by the same name S-16', async () => {
    const used = (await countInThreads({ name: 'threads' })).flat().sort((left, right) => left - right);
    // Each number once: none was lost, none counted twice, and the limit passed exactly.
    assert.deepEqual(
      used,
      Array.from({ length: 4 * HITS }, (_, index) => index + 1),
    );
  });

  it('count apart in policies without a name', async () => {
    const each = Array.from({ length: HITS }, (_, index) => index + 1);
    assert.deepEqual(await countInThreads({}), [each, each, each, each]);
  });
});
