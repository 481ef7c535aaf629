'use strict';

const { configure } = require('../../lib/errors');
const native = require('../../lib/loader');

/**
 * @typedef {{ totalHits: number, resetTime: Date }} Client
 * @typedef {import('../../lib/native/binding').RateLimiter} Counter
 */

const DEFAULT_WINDOW_MS = 60_000;
const LONGEST_WINDOW_MS = 31_536_000_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** The limiter compares; the table only counts. */
const NO_LIMIT = 2 ** 31 - 1;
// What the table writes into `out`: see RateLimiter in src/bindings/rate_limit.rs.
const USED = 1;
const RESET_AT = 3;

/**
 * Counts in the process's table of the core. One that the user makes also shows its clients in `current` and `previous`, as
 * the peer's; that of a limiter without `store` does not, so that its memory is bounded.
 */
class MemoryStore {
  /** @type {Counter | undefined} */
  #counter;
  #isShown;

  /** @param {any} [validations] of the limiter whose own store it is */
  constructor(validations) {
    this.validations = validations;
    this.#isShown = validations === undefined;
    /** @type {Map<string, Client>} */
    this.previous = new Map();
    /** @type {Map<string, Client>} */
    this.current = new Map();
    this.localKeys = true;
    /** @type {any} */
    this.windowMs = undefined;
    /** @type {NodeJS.Timeout | undefined} */
    this.interval = undefined;
  }

  /** @param {{ windowMs: number }} options */
  init({ windowMs }) {
    this.windowMs = windowMs;
    this.validations?.windowMs(windowMs);
    this.#counter = createCounter(windowMs);
    if (!this.#isShown) return;
    if (this.interval) clearInterval(this.interval);
    this.interval = setInterval(() => this.clearExpired(), Math.min(toWindow(windowMs), LONGEST_TIMER_MS));
    this.interval.unref?.();
  }

  /** @param {string} key */
  async get(key) {
    const counter = this.#opened();
    if (counter.peek(`${key}`, '', Date.now()) === 0) return undefined;
    return this.#seen(key, counter.peek.out);
  }

  /** @param {string} key */
  async increment(key) {
    const counter = this.#opened();
    counter.hit(`${key}`, '', Date.now());
    return this.#seen(key, counter.hit.out);
  }

  /** @param {string} key */
  async decrement(key) {
    const counter = this.#opened();
    counter.reward(`${key}`, '', Date.now(), 1);
    if (this.#isShown && counter.peek(`${key}`, '', Date.now()) !== 0) this.#seen(key, counter.peek.out);
  }

  /** @param {string} key */
  async resetKey(key) {
    this.#opened().resetKey(`${key}`, '');
    this.current.delete(key);
    this.previous.delete(key);
  }

  async resetAll() {
    this.#opened().resetAll();
    this.current.clear();
    this.previous.clear();
  }

  shutdown() {
    clearInterval(this.interval);
    void this.resetAll();
  }

  clearExpired() {
    this.previous = this.current;
    this.current = new Map();
  }

  /** @returns {Counter} */
  #opened() {
    this.#counter ??= createCounter(this.windowMs);
    return this.#counter;
  }

  /**
   * A client as the table has it now: the same object for as long as it is shown.
   * @param {string} key
   * @param {Float64Array} out
   * @returns {Client}
   */
  #seen(key, out) {
    const totalHits = out[USED];
    const resetAt = out[RESET_AT];
    const client = this.current.get(key) ?? this.previous.get(key) ?? { totalHits, resetTime: new Date(resetAt) };
    client.totalHits = totalHits;
    if (client.resetTime.getTime() !== resetAt) client.resetTime = new Date(resetAt);
    if (this.#isShown) {
      this.previous.delete(key);
      this.current.set(key, client);
    }
    return client;
  }
}

/**
 * @param {any} windowMs
 * @returns {Counter}
 */
function createCounter(windowMs) {
  const policy = { hasGivenKeys: true, algorithm: 'fixed-window', limit: NO_LIMIT, windowMs: toWindow(windowMs) };
  return configure('MemoryStore', () => {
    const rules = native.ClientRules.compile({ canonicalKeys: false });
    return native.createRateLimiter({ policies: [policy] }, rules);
  });
}

/**
 * A window that the table takes. What is none has been logged, and must not turn the limit off.
 * @param {any} windowMs
 */
function toWindow(windowMs) {
  const window = Math.ceil(Number(windowMs));
  if (windowMs === undefined || Number.isNaN(window)) return DEFAULT_WINDOW_MS;
  return Math.min(Math.max(window, 1), LONGEST_WINDOW_MS);
}

module.exports = { MemoryStore };
