'use strict';

const { CarapaceError } = require('../../errors');
const { findAccess } = require('../../host-store');
const { show } = require('../../options');

/**
 * What a Redis store does whatever it is connected to.
 * @typedef {object} RedisSettings
 * @property {string} prefix
 * @property {Buffer | undefined} secret
 * @property {number} timeoutMs
 * @property {'local' | 'open' | 'closed'} onStoreFailure
 * @property {import('../../host-store').Access | undefined} fallback the host's table, or, without it, the process's
 * @property {number} instances
 * @property {boolean} isInstancesGiven
 * @property {number} denyCache how many denied keys are remembered
 */

const DEFAULT_PREFIX = 'carapace:';
const DEFAULT_TIMEOUT_MS = 100;
const DEFAULT_DENY_CACHE = 10_000;
// Printable, and without the braces in which a cluster looks for what keys have in common.
const PREFIX = /^[!-z|~]{0,64}$/;
const MIN_SECRET = 16;

/**
 * @param {string} path
 * @param {Record<string, any>} given
 * @returns {RedisSettings}
 */
function checkSettings(path, given) {
  const { prefix = DEFAULT_PREFIX, secret, timeoutMs = DEFAULT_TIMEOUT_MS, instances, denyCache } = given;
  const bad = createComplaint(path);
  if (!PREFIX.test(prefix)) {
    throw bad('prefix', show(prefix), 'up to 64 printable ASCII characters other than { and }');
  }
  checkSecret(path, secret);
  checkWhole(path, 'timeoutMs', timeoutMs, 1, 60_000);
  checkWhole(path, 'instances', instances, 1, 100_000);
  checkWhole(path, 'denyCache', denyCache, 1, 1_000_000);
  return {
    prefix,
    secret: secret === undefined ? undefined : Buffer.from(secret),
    timeoutMs,
    onStoreFailure: given.onStoreFailure ?? 'local',
    fallback: readFallback(path, given),
    instances: instances ?? 1,
    isInstancesGiven: instances !== undefined,
    denyCache: denyCacheOf(denyCache),
  };
}

/** @param {number | boolean | undefined} denyCache */
function denyCacheOf(denyCache) {
  if (denyCache === false) return 0;
  return typeof denyCache === 'number' ? denyCache : DEFAULT_DENY_CACHE;
}

/**
 * @param {string} path
 * @param {unknown} secret
 */
function checkSecret(path, secret) {
  if (secret === undefined) return;
  const isBytes = secret instanceof Uint8Array;
  if (typeof secret !== 'string' && !isBytes) {
    const message = `got ${show(secret)}, expected a string or bytes`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: `${path}.secret` });
  }
  if (secret.length < MIN_SECRET) {
    throw createComplaint(path)('secret', `${secret.length} characters`, `at least ${MIN_SECRET}`);
  }
}

/**
 * @param {string} path
 * @param {Record<string, any>} given
 */
function readFallback(path, { fallback, onStoreFailure }) {
  if (fallback === undefined) return undefined;
  if (onStoreFailure === 'open' || onStoreFailure === 'closed') {
    const message = `has no effect with onStoreFailure: '${onStoreFailure}'`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: `${path}.fallback` });
  }
  if (fallback === 'process') return undefined;
  const host = typeof fallback === 'object' ? findAccess(fallback) : undefined;
  if (host !== undefined) return host;
  throw createComplaint(path)('fallback', show(fallback), "'process' or a hostStore");
}

/**
 * @param {string} path
 * @param {string} name
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 */
function checkWhole(path, name, value, least, most) {
  if (typeof value !== 'number' || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw createComplaint(path)(name, `${value}`, `a whole number from ${least} to ${most}`);
}

/** @param {string} path */
function createComplaint(path) {
  /** @param {string} name @param {string} got @param {string} expected */
  return (name, got, expected) =>
    new CarapaceError('ERR_CARAPACE_OPTION_VALUE', `got ${got}, expected ${expected}`, { path: `${path}.${name}` });
}

module.exports = { checkSettings, checkWhole };
