'use strict';

const { configure } = require('../../errors');
const native = require('../../loader');
const { createLine } = require('./line');

/** Failures of a server that answers. */
const REFUSALS = new Set([
  'readonly',
  'loading',
  'oom',
  'auth',
  'busy',
  'clusterdown',
  'masterdown',
  'script',
  'moved',
]);

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
  const status = createStatusReader(raw, tell);
  const line = Object.assign(createLine(raw, flush), { watcher: status });

  /** Called by the core: there are answers, or the connection changed. */
  function wake() {
    line.answerAndSend();
    status.compare();
  }

  return { line, status: status.read, close: () => raw.close() };
}

/**
 * Tells when the connection goes down or comes up again, and when the server refuses what a connection carries. That the
 * first attempt succeeds is no news.
 * @param {import('../../native/binding').RedisLine} raw
 * @param {(isUp: boolean, reason: string) => void} tell
 */
function createStatusReader(raw, tell) {
  let version = 0;
  let isUp = true;
  /** @param {boolean} isNowUp @param {string} reason */
  function change(isNowUp, reason) {
    if (isUp === isNowUp) return;
    isUp = isNowUp;
    tell(isUp, reason);
  }

  const reader = {
    /** Why the server refuses hits, while it does. @type {string | undefined} */
    refusal: undefined,
    /** @param {string | undefined} failure */
    note(failure) {
      if (failure === undefined) {
        reader.refusal = undefined;
        if (raw.status().state === 'up') change(true, 'answered');
      } else if (REFUSALS.has(failure)) {
        reader.refusal = failure;
        change(false, failure);
      }
    },
    compare() {
      if (raw.version() === version) return;
      const { state, lastError, version: newVersion } = raw.status();
      version = newVersion;
      if (state === 'down') change(false, lastError ?? 'down');
      if (state === 'up' && reader.refusal === undefined) change(true, 'answered');
    },
    read() {
      const { state, circuit, lastError = reader.refusal, nodes } = raw.status();
      const isRefused = state === 'up' && reader.refusal !== undefined;
      return { state: isRefused ? 'down' : state, circuit, nodes, ...(lastError !== undefined && { lastError }) };
    },
  };
  return reader;
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
    secret,
  };
}

module.exports = { openNativeLine };
