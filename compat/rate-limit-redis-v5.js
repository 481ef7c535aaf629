'use strict';

const current = require('./rate-limit-redis');
const { evaluate } = require('./rate-limit-redis/scripts');

/** The store with the option and the field that version 6 of rate-limit-redis took away. */
class RedisStore extends current.RedisStore {
  /** @type {boolean} */
  resetExpiryOnChange;

  /** @param {any} options */
  constructor(options) {
    super(options, { ofVersion5: true });
    this.resetExpiryOnChange = options.resetExpiryOnChange ?? false;
  }

  /** @param {string} key */
  async retryableIncrement(key) {
    return evaluate(this, 'increment', key, [this.resetExpiryOnChange ? '1' : '0', this.windowMs.toString()]);
  }
}

module.exports = { RedisStore, default: RedisStore };
Object.defineProperty(module.exports, '__esModule', { value: true });
