'use strict';

const { OPTIONS: CLIENT_OPTIONS } = require('../client-key');
const { CarapaceError } = require('../errors');
const { findAccess } = require('../host-store');
const { readOptions, show, typeOf } = require('../options');
const { findRedis } = require('./redis/access');

/** The options of one policy. @type {import('../options').OptionTable} */
const POLICY_OPTIONS = {
  name: 'string',
  limit: 'number|function',
  windowMs: 'number',
  algorithm: 'string',
  burst: 'number',
  block: { type: 'object', keys: { durationMs: { type: 'number', required: true } } },
  blockMs: 'number',
  cost: 'number|function',
  keyGenerator: 'function',
  needsBody: 'boolean',
};

const DELAY_OPTIONS = { after: 'number|function', ms: 'number|function', maxMs: 'number' };

/** @type {import('../options').OptionTable} */
const OPTIONS = {
  ...POLICY_OPTIONS,
  policies: 'array',
  client: { type: 'object', keys: CLIENT_OPTIONS },
  ipv6Prefix: 'number|boolean',
  maxKeys: 'number',
  skip: 'function',
  paths: 'string|array',
  skipPaths: 'string|array',
  allowList: 'string|array|function',
  denyList: 'string|array|function',
  skipSuccessfulRequests: 'boolean',
  skipFailedRequests: 'boolean',
  requestWasSuccessful: 'function',
  adjust: 'function',
  delay: { type: 'object', keys: DELAY_OPTIONS },
  headers: { type: 'string|boolean', oneOf: ['draft', 'draft-6', 'draft-7', 'draft-8'] },
  legacyHeaders: 'boolean',
  secret: 'string|object',
  statusCode: 'number',
  body: { type: 'string', oneOf: ['problem', 'text'] },
  message: 'string|object|array|function',
  handler: 'function',
  store: 'string|object',
  storeTimeoutMs: { type: 'number', least: 1 },
  onStoreFailure: { type: 'string', oneOf: ['local', 'open', 'closed'] },
  mode: { type: 'string', oneOf: ['enforce', 'report'] },
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onDecision: 'function',
  onEvent: 'function',
};

/** @typedef {Record<string, any>} Settings */

/**
 * Reads the options and refuses what cannot be meant. Ranges of numbers are the core's matter where they cross to it.
 * @param {unknown} options
 * @returns {Settings}
 */
function readSettings(options) {
  const settings = readOptions('rateLimit', options, OPTIONS);
  for (const check of [checkShape, checkMeasures, checkAnswer, checkReports]) check(settings);
  return settings;
}

/** @param {Settings} settings */
function checkShape(settings) {
  const { policies, limit, delay, keyGenerator } = settings;
  if (policies !== undefined) {
    for (const name of ['limit', 'name']) {
      if (settings[name] !== undefined) throw conflict(name, 'each of the policies has its own');
    }
    if (delay !== undefined) throw conflict('delay', 'only a limiter of one policy slows clients down');
  } else if (limit === undefined && delay === undefined) {
    throw new CarapaceError('ERR_CARAPACE_OPTION_REQUIRED', 'is required and takes a number or a function', {
      path: 'rateLimit.limit',
    });
  }
  const lost = ['trustProxy', 'header'].find((name) => keyGenerator && settings.client?.[name] !== undefined);
  // Policies may have clients beside given keys, and lists are about clients.
  if (lost !== undefined && policies === undefined && !hasLists(settings)) {
    throw conflict(`client.${lost}`, 'has no effect together with keyGenerator');
  }
  if (settings.ipv6Prefix !== undefined && settings.client?.ipv6Prefix !== undefined) {
    throw conflict('ipv6Prefix', 'is set in client as well');
  }
}

/** @param {Settings} settings */
function hasLists({ allowList, denyList }) {
  return [allowList, denyList].some((list) => list !== undefined && typeof list !== 'function');
}

/** @param {Settings} settings */
function checkMeasures({ delay, skipSuccessfulRequests, skipFailedRequests, requestWasSuccessful }) {
  checkNumber('delay.after', delay?.after, 0, 2 ** 31 - 1);
  checkNumber('delay.ms', delay?.ms, 0, 2 ** 31 - 1);
  checkNumber('delay.maxMs', delay?.maxMs, 0, 2 ** 31 - 1);
  if (skipSuccessfulRequests && skipFailedRequests) {
    throw conflict('skipFailedRequests', 'with skipSuccessfulRequests nothing would be counted');
  }
  if (requestWasSuccessful && !skipSuccessfulRequests && !skipFailedRequests) {
    throw conflict('requestWasSuccessful', 'has no effect without skipSuccessfulRequests or skipFailedRequests');
  }
}

/** @param {Settings} settings */
function checkAnswer(settings) {
  const { headers, secret, statusCode, handler } = settings;
  checkNumber('statusCode', statusCode, 400, 599);
  if (headers === true) throw badValue('headers', 'true', 'false or the name of a draft');
  if (secret !== undefined) {
    const isBytes = secret instanceof Uint8Array;
    if (typeof secret !== 'string' && !isBytes) throw badType('secret', secret, 'a string or bytes');
    if (secret.length < 16) throw badValue('secret', `${secret.length} characters`, 'at least 16');
    if (!['draft', 'draft-8'].includes(headers ?? 'draft')) {
      throw conflict('secret', "only the headers 'draft' and 'draft-8' have a partition key");
    }
  }
  const answers = ['body', 'message', 'handler'].filter((name) => settings[name] !== undefined);
  if (answers.length > 1) throw conflict(answers[1], `is set as well as ${answers[0]}`);
  if (settings.onReject === 'next' && answers.length > 0) {
    throw conflict(answers[0], "has no effect with onReject: 'next'");
  }
  if (handler && statusCode !== undefined) throw conflict('statusCode', 'the handler sets the status');
}

/** @param {Settings} settings */
function checkReports({ mode, onReject, store, storeTimeoutMs, maxKeys }) {
  if (mode === 'report' && onReject === 'next') throw conflict('onReject', "nothing is rejected with mode: 'report'");
  const isRedis = typeof store === 'string' || (store !== undefined && findRedis(store) !== undefined);
  const isShared = store !== undefined && !isRedis && findAccess(store) !== undefined;
  if (storeTimeoutMs !== undefined && isRedis) throw conflict('storeTimeoutMs', 'is timeoutMs of redisStore');
  if (storeTimeoutMs !== undefined && (store === undefined || isShared)) {
    throw conflict('storeTimeoutMs', 'a table in memory answers at once');
  }
  if (maxKeys !== undefined && isShared) {
    throw conflict('maxKeys', 'is about the table of the process; a host store has an option of that name');
  }
}

/**
 * @param {string} path below `rateLimit`
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 */
function checkNumber(path, value, least, most) {
  if (typeof value !== 'number' || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw badValue(path, value, `a whole number from ${least} to ${most}`);
}

/**
 * @param {string} path
 * @param {string} message
 */
function conflict(path, message) {
  return new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: `rateLimit.${path}` });
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {string} expected
 */
function badValue(path, value, expected) {
  const message = `got ${value}, expected ${expected}`;
  return new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path: `rateLimit.${path}` });
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {string} expected
 */
function badType(path, value, expected) {
  const message = `got ${show(value)}, expected ${expected}`;
  return new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: `rateLimit.${path}` });
}

/**
 * A list of texts, or one text alone.
 * @param {string} path
 * @param {unknown} value
 * @returns {string[]}
 */
function readList(path, value) {
  const list = typeof value === 'string' ? [value] : Array.from(/** @type {unknown[]} */ (value));
  const wrong = list.findIndex((entry) => typeof entry !== 'string');
  if (wrong >= 0) throw badType(`${path}[${wrong}]`, list[wrong], 'a string');
  if (list.length === 0) throw badValue(path, 'an empty list', 'at least one entry');
  return /** @type {string[]} */ (list);
}

/** What a number of a user's function may be: costs and limits. */
const MAX_COUNT = 2 ** 31 - 1;

module.exports = {
  OPTIONS,
  POLICY_OPTIONS,
  MAX_COUNT,
  badType,
  badValue,
  checkNumber,
  conflict,
  readList,
  readSettings,
  typeOf,
};
