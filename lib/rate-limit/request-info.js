'use strict';

/**
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {InstanceType<typeof import('./visit')['Decision']>} Decision
 * @typedef {(visit: Visit, index: number) => string} KeyText the canonical key under the policy at an index
 */

/**
 * Where one policy stands for the client of a request. One is made for each request, so what few read is made when it is
 * read.
 */
class PolicyInfo {
  #decision;
  #visit;
  #keyText;

  /**
   * @param {Decision} decision
   * @param {Visit} visit
   * @param {KeyText} keyText
   */
  constructor(decision, visit, keyText) {
    this.name = decision.policy.name;
    this.limit = decision.limit;
    this.used = decision.used;
    this.remaining = decision.remaining;
    this.#decision = decision;
    this.#visit = visit;
    this.#keyText = keyText;
  }

  /** When the client has its whole limit back, or, denied, may try again. */
  get resetTime() {
    return new Date(this.#decision.resetAt);
  }

  /** The canonical key; reading it crosses into the core once more. */
  get key() {
    return this.#keyText(this.#visit, this.#decision.policy.index);
  }

  /** The policies of the same limiter. */
  ofVisit() {
    return listOf(this.#visit, this.#keyText);
  }

  toJSON() {
    return { ...this, resetTime: this.resetTime, key: this.key };
  }

  /** @param {number} _depth @param {unknown} _options @param {(value: unknown, options: any) => string} inspect */
  [Symbol.for('nodejs.util.inspect.custom')](_depth, _options, inspect) {
    return inspect(this.toJSON(), _options);
  }
}

/**
 * `request.rateLimit`: the strictest policy so far, and all of them.
 */
class RateLimitInfo extends PolicyInfo {
  /** What other limiters decided before and after. @type {{ before: PolicyInfo[], after: PolicyInfo[] } | undefined} */
  #others;

  /**
   * @param {Decision} decision
   * @param {Visit} visit
   * @param {KeyText} keyText
   * @param {PolicyInfo[]} [before]
   */
  constructor(decision, visit, keyText, before) {
    super(decision, visit, keyText);
    if (before !== undefined) this.#others = { before, after: [] };
    if (visit.delayMs > 0) this.delay = visit.delayMs;
  }

  /** All policies that decided about the request, in their order. */
  get policies() {
    const { before = [], after = [] } = this.#others ?? {};
    return [...before, ...this.ofVisit(), ...after];
  }

  /**
   * Adds the policies of a further limiter, none of which is stricter.
   * @param {PolicyInfo[]} more
   */
  append(more) {
    this.#others ??= { before: [], after: [] };
    this.#others.after.push(...more);
  }

  toJSON() {
    return { ...super.toJSON(), policies: this.policies };
  }
}

/**
 * @param {Visit} visit
 * @param {KeyText} keyText
 */
function listOf(visit, keyText) {
  return visit.decisions.map((decision) => new PolicyInfo(decision, visit, keyText));
}

/**
 * Makes `request.rateLimit` for a visit, or joins it to that of the limiters before.
 * @param {Visit} visit with its strictest decision
 * @param {KeyText} keyText
 * @returns {boolean} whether another limiter was there before
 */
function setRequestInfo(visit, keyText) {
  const { request } = visit;
  const strictest = /** @type {Decision} */ (visit.strictest);
  const before = request.rateLimit;
  if (!(before instanceof RateLimitInfo)) {
    request.rateLimit = new RateLimitInfo(strictest, visit, keyText);
    return false;
  }
  if (strictest.remaining < before.remaining) {
    request.rateLimit = new RateLimitInfo(strictest, visit, keyText, before.policies);
  } else {
    before.append(listOf(visit, keyText));
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
  const visit = /** @type {Visit} */ (/** @type {unknown} */ ({ decisions, delayMs: 0 }));
  return new RateLimitInfo(strictest, visit, () => key);
}

module.exports = { PolicyInfo, RateLimitInfo, describeKey, setRequestInfo };
