'use strict';

const { configure } = require('../../errors');
const native = require('../../loader');
const { createLine } = require('./line');

/**
 * Carries batches over connections of the core's own, which the process has in common: a thread of the core's writes and
 * reads them, and wakes this one with the answers.
 * @param {import('./address').Connection} connection
 * @param {import('./settings').RedisSettings} settings
 * @param {(isUp: boolean, reason: string) => void} tell
 * @returns {import('./shares').Transport}
 */
function openNativeLine(connection, settings, tell) {
  const raw = configure('redisStore', () => native.RedisLine.open(toNative(connection, settings), wake));
  const { flush } = raw.calls();
  const line = createLine(raw, flush);
  const status = createStatusReader(raw, tell);

  /** Called by the core: there are answers, or the connection changed. */
  function wake() {
    line.answer();
    status.compare();
  }

  return { line, status: status.read, close: () => raw.close() };
}

/**
 * Tells when the connection goes down or comes up again. That the first attempt succeeds is no news.
 * @param {import('../../native/binding').RedisLine} raw
 * @param {(isUp: boolean, reason: string) => void} tell
 */
function createStatusReader(raw, tell) {
  let version = 0;
  let isUp = true;
  return {
    compare() {
      if (raw.version() === version) return;
      const { state, lastError, version: newVersion } = raw.status();
      version = newVersion;
      if (state !== 'up' && state !== 'down') return;
      if (isUp === (state === 'up')) return;
      isUp = state === 'up';
      tell(isUp, isUp ? 'answered' : (lastError ?? 'down'));
    },
    read() {
      const { state, circuit, lastError, nodes } = raw.status();
      return { state, circuit, nodes, ...(lastError !== undefined && { lastError }) };
    },
  };
}

/**
 * @param {import('./address').Connection} connection
 * @param {import('./settings').RedisSettings} settings
 */
function toNative({ kind, nodes, masterName, ...rest }, { prefix, secret, timeoutMs }) {
  return {
    ...rest,
    kind: kind === 'single' ? 'standalone' : kind,
    nodes,
    sentinelName: masterName,
    timeoutMs,
    prefix,
    secret: secret === undefined ? undefined : Buffer.from(secret),
  };
}

module.exports = { openNativeLine };
