'use strict';

/**
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {InstanceType<typeof import('./visit')['Decision']>} Decision
 * @typedef {(index: number) => string} KeyText the canonical key under the policy at an index
 */

/**
 * Where one policy stands for the client of a request.
 */
class PolicyInfo {
  /** @type {number} */
  #index;
  /** @type {KeyText} */
  #keyText;

  /**
   * @param {Decision} decision
   * @param {KeyText} keyText
   */
  constructor({ policy, limit, used, remaining, resetAt }, keyText) {
    this.name = policy.name;
    this.limit = limit;
    this.used = used;
    this.remaining = remaining;
    this.resetTime = new Date(resetAt);
    this.#index = policy.index;
    this.#keyText = keyText;
  }

  /** The canonical key, made when it is read: that crosses into the core once more. */
  get key() {
    return this.#keyText(this.#index);
  }

  toJSON() {
    return { ...this, key: this.key };
  }
}

/**
 * `request.rateLimit`: the strictest policy so far, and all of them.
 */
class RateLimitInfo extends PolicyInfo {
  /** @type {PolicyInfo[] | undefined} */
  #policies;
  /** @type {() => PolicyInfo[]} */
  #list;
  /** @type {number | undefined} */
  delay;

  /**
   * @param {Decision} decision
   * @param {KeyText} keyText
   * @param {() => PolicyInfo[]} list makes the list of all policies
   * @param {number} delayMs for how long the request is held back
   */
  constructor(decision, keyText, list, delayMs) {
    super(decision, keyText);
    this.#list = list;
    if (delayMs > 0) this.delay = delayMs;
  }

  /** All policies that decided about the request, in their order. */
  get policies() {
    return (this.#policies ??= this.#list());
  }

  /**
   * Adds the policies of a further limiter, none of which is stricter.
   * @param {() => PolicyInfo[]} more
   */
  append(more) {
    const before = this.#list;
    this.#policies = undefined;
    this.#list = () => [...before(), ...more()];
  }

  toJSON() {
    return { ...super.toJSON(), policies: this.policies };
  }
}

/**
 * Makes `request.rateLimit` for a visit, or joins it to that of the limiters before.
 * @param {Visit} visit with its strictest decision
 * @param {(visit: Visit, index: number) => string} keyOf
 * @returns {boolean} whether another limiter was there before
 */
function setRequestInfo(visit, keyOf) {
  const { request, decisions } = visit;
  const strictest = /** @type {Decision} */ (visit.strictest);
  /** @type {KeyText} */
  const keyText = (index) => keyOf(visit, index);
  const list = () => decisions.map((decision) => new PolicyInfo(decision, keyText));
  const before = request.rateLimit;
  if (!(before instanceof RateLimitInfo)) {
    request.rateLimit = new RateLimitInfo(strictest, keyText, list, visit.delayMs);
    return false;
  }
  if (strictest.remaining < before.remaining) {
    const all = () => [...before.policies, ...list()];
    request.rateLimit = new RateLimitInfo(strictest, keyText, all, visit.delayMs);
  } else {
    before.append(list);
  }
  return true;
}

/**
 * What a limiter's own methods tell about a key.
 * @param {Decision[]} decisions
 * @param {string} key
 * @returns {RateLimitInfo | undefined}
 */
function describeKey(decisions, key) {
  if (decisions.length === 0) return undefined;
  const [strictest] = [...decisions].sort((left, right) => left.remaining - right.remaining);
  const keyText = () => key;
  return new RateLimitInfo(strictest, keyText, () => decisions.map((decision) => new PolicyInfo(decision, keyText)), 0);
}

module.exports = { PolicyInfo, RateLimitInfo, describeKey, setRequestInfo };
