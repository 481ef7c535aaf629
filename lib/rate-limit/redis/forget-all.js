'use strict';

// How many keys the server looks at in one step; none holds it up for longer than a fraction of a millisecond.
const STEP = '500';

/**
 * Deletes every key that fits, on every master, in steps.
 * @param {import('./clients').Client} client
 * @param {string} pattern for SCAN
 * @returns {Promise<number>} how many they were
 */
async function forgetAll(client, pattern) {
  const masters = await client.masters();
  const counts = await Promise.all(masters.map((call) => forgetOn(call, pattern, client.isCluster)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * @param {(args: string[]) => Promise<unknown>} call
 * @param {string} pattern
 * @param {boolean} isCluster whether the keys of one command have to lie in one slot
 */
async function forgetOn(call, pattern, isCluster) {
  let count = 0;
  let cursor = '0';
  do {
    const reply = /** @type {[unknown, unknown[]]} */ (await call(['SCAN', cursor, 'MATCH', pattern, 'COUNT', STEP]));
    cursor = String(reply[0]);
    const keys = reply[1].map(String);
    const groups = isCluster ? keys.map((key) => [key]) : keys.length > 0 ? [keys] : [];
    const deleted = await Promise.all(groups.map((group) => call(['UNLINK', ...group])));
    count += deleted.reduce((/** @type {number} */ sum, each) => sum + Number(each), 0);
  } while (cursor !== '0');
  return count;
}

module.exports = { forgetAll };
