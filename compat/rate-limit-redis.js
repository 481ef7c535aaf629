'use strict';

const { evaluate, loadScript, readCount } = require('./rate-limit-redis/scripts');

/**
 * @typedef {import('./rate-limit-redis/scripts').SendCommand} SendCommand
 * @typedef {import('./rate-limit-redis/scripts').Count} Count
 */

/**
 * The function that every command goes through, made of the one that the options have.
 * @param {any} store what the user's function gets as `this`
 * @param {any} options
 * @returns {SendCommand}
 */
function senderOf(store, options) {
  const isSingle = 'sendCommand' in options;
  if (isSingle === 'sendCommandCluster' in options) {
    throw new Error(
      'rate-limit-redis: Error: options must include either sendCommand or sendCommandCluster (but not both)',
    );
  }
  if (!isSingle) return options.sendCommandCluster.bind(store);
  const send = options.sendCommand.bind(store);
  // Without a name, as the peer's.
  return (
    () =>
    async (/** @type {{ command: string[] }} */ { command }) =>
      send(...command)
  )();
}

/** Counts the hits of express-rate-limit in Redis, with the keys and values of rate-limit-redis 6. */
class RedisStore {
  /** @type {SendCommand} */
  sendCommand;
  /** @type {string} */
  prefix;
  /** @type {Promise<string> | undefined} */
  incrementScriptSha;
  /** @type {Promise<string> | undefined} */
  getScriptSha;
  /** @type {any} */
  windowMs;

  /**
   * @param {any} options
   * @param {{ ofVersion5?: boolean }} [shape]
   */
  constructor(options, { ofVersion5 = false } = {}) {
    if (typeof options !== 'object') throw new TypeError('rate-limit-redis: Error: options object is required');
    if (!ofVersion5 && 'resetExpiryOnChange' in options) {
      throw new TypeError('rate-limit-redis: Error: the resetExpiryOnChange option was removed in v6');
    }
    this.sendCommand = senderOf(this, options);
    this.prefix = options.prefix ?? 'rl:';
  }

  /** @param {string} [key] */
  async loadIncrementScript(key) {
    return loadScript(this, 'increment', key);
  }

  /** @param {string} [key] */
  async loadGetScript(key) {
    return loadScript(this, 'get', key);
  }

  /** @param {string} key */
  async retryableIncrement(key) {
    return evaluate(this, 'increment', key, [this.windowMs.toString()]);
  }

  /** @param {string} key */
  prefixKey(key) {
    return `${this.prefix}${key}`;
  }

  /** @param {{ windowMs: number }} options */
  async init(options) {
    this.windowMs = options.windowMs;
    this.incrementScriptSha = this.loadIncrementScript();
    this.getScriptSha = this.loadGetScript();
    await Promise.all([this.incrementScriptSha, this.getScriptSha]);
  }

  /** @param {string} key @returns {Promise<Count | undefined>} */
  async get(key) {
    return readCount(await evaluate(this, 'get', key, []));
  }

  /** @param {string} key @returns {Promise<Count>} */
  async increment(key) {
    const count = readCount(await this.retryableIncrement(key));
    // What is no number would never be over a limit.
    if (count === undefined) throw new TypeError('unexpected reply from redis client');
    return count;
  }

  /** @param {string} key */
  async decrement(key) {
    await evaluate(this, 'increment', key, ['refund']);
  }

  /** @param {string} key */
  async resetKey(key) {
    const prefixed = this.prefixKey(key);
    await this.sendCommand({ key: prefixed, isReadOnly: false, command: ['DEL', prefixed] });
  }
}

module.exports = { RedisStore, default: RedisStore };
Object.defineProperty(module.exports, '__esModule', { value: true });
