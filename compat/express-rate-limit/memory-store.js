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
const LEARN = Symbol('carapace.learn-limit');
const MOST_HITS = 2 ** 31 - 1;
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
  /** @type {number | undefined} */
  #lastLimit;
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

  /** @param {{ windowMs: number, limit?: unknown }} options */
  init({ windowMs, limit }) {
    this.windowMs = windowMs;
    this.validations?.windowMs(windowMs);
    this.#counter = createCounter(windowMs, limit);
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
    if (this.#lastLimit === undefined) counter.hit(`${key}`, '', Date.now());
    else counter.hit(`${key}`, '', Date.now(), undefined, this.#lastLimit);
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

  /**
   * Tells the store of a limit that a function gave, for the hits to come.
   * @param {unknown} limit
   */
  [LEARN](limit) {
    this.#lastLimit = toLimit(limit);
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
 * @param {unknown} [limit]
 * @returns {Counter}
 */
function createCounter(windowMs, limit) {
  const policy = {
    hasGivenKeys: true,
    algorithm: 'fixed-window',
    limit: toLimit(limit),
    windowMs: toWindow(windowMs),
  };
  return configure('MemoryStore', () => {
    const rules = native.ClientRules.compile({ canonicalKeys: false });
    return native.createRateLimiter({ policies: [policy] }, rules);
  });
}

/**
 * The limiter compares; the table only counts. But a full table forgets clients that are over their limit last (S-20), so it
 * has to know a limit that is known. Where all are over it, none comes last.
 * @param {unknown} limit
 */
function toLimit(limit) {
  const known = typeof limit === 'function' ? NaN : Math.floor(Number(limit));
  return known >= 1 && known <= MOST_HITS ? known : MOST_HITS;
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

module.exports = { LEARN, MemoryStore };
