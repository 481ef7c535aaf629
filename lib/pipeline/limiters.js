'use strict';

const { isDeepStrictEqual } = require('node:util');
const { CarapaceError } = require('../errors');
const { createChainLimiter, insideOf } = require('../rate-limit');
const { POLICY_OPTIONS } = require('../rate-limit/options');
const { withPath } = require('./settings');

/**
 * @typedef {Record<string, any>} Options
 * @typedef {import('../rate-limit/policies').Policy} Policy
 * @typedef {import('../../index').RateLimiter} Limiter
 */

/** Options about which requests count and how they count in the end: a limiter with them counts by itself. */
const APART = [
  'delay',
  'skip',
  'paths',
  'skipPaths',
  'skipSuccessfulRequests',
  'skipFailedRequests',
  'requestWasSuccessful',
  'adjust',
];

/** Options that say how a denied client is answered, of which a limiter takes one. */
const ANSWERS = ['body', 'message', 'handler'];

let serial = 0;

/**
 * The limiters of one chain. The limiter of a rule is decided together with the chain's own, in one call and all or
 * nothing, where both count in the core and the rule only adds policies; otherwise one after the other.
 */
class Limiters {
  #overhear;
  /** @type {Options | undefined} */
  #options;
  /** The policies of the chain's own limiter. @type {Policy[]} */
  #policies = [];
  /** The limiters that decide those as well. @type {Set<Limiter>} */
  #joint = new Set();

  /**
   * @param {Options | Limiter | false} options of the chain's own limiter
   * @param {(event: any, rule: string) => void} overhear is told of events that are no decisions
   */
  constructor(options, overhear) {
    this.#overhear = overhear;
    /** Each by the rule that it is of; the chain's own has an empty name. @type {Map<string, Limiter>} */
    this.byRule = new Map();
    /** Those of logins, by rule. @type {Map<string, Limiter>} */
    this.logins = new Map();
    /** @type {Limiter | undefined} */
    this.own = undefined;
    if (options === false) return;
    const own = typeof options === 'function' ? /** @type {Limiter} */ (options) : this.#createOwn(options);
    this.own = own;
    this.byRule.set('', own);
  }

  /** @param {Options} options */
  #createOwn(options) {
    const { threadId } = require('node:worker_threads');
    // One connection for all limiters of the chain.
    const store =
      typeof options.store === 'string' ? require('../redis-store').redisStoreAt(options.store) : options.store;
    this.#options = { ...options, store };
    serial += 1;
    return this.#create('', this.#options, (policies) => {
      this.#policies = policies;
      policies.forEach((policy, index) => {
        if (!policy.isNamed) policy.identity = `chain ${threadId}:${serial}:${index}`;
      });
    });
  }

  /** @param {string} rule @param {Options} options @param {(policies: Policy[]) => void} [prepare] */
  #create(rule, options, prepare) {
    return createChainLimiter(options, { overhear: (event) => this.#overhear(event, rule), prepare });
  }

  /**
   * Makes the limiter of a rule.
   * @param {string} name
   * @param {Options | Limiter} options
   * @param {boolean} hasGlobalLimit
   * @returns {Limiter[]} those that its requests pass, in order
   */
  ofRule(name, options, hasGlobalLimit) {
    const chain = hasGlobalLimit && typeof options === 'object' ? this.#options : undefined;
    const isJoint = chain !== undefined && canJoin(chain, options);
    const limiter = isJoint ? this.#createJoint(name, chain, options) : this.#createApart(name, options);
    if (isJoint) this.#joint.add(limiter);
    this.byRule.set(name, limiter);
    return hasGlobalLimit ? this.withOwn([limiter]) : [limiter];
  }

  /**
   * The limiters with the chain's own before them, unless it is among them.
   * @param {Limiter[]} limiters
   */
  withOwn(limiters) {
    const { own } = this;
    const isThere = own === undefined || limiters.some((limiter) => limiter === own || this.#joint.has(limiter));
    return isThere ? limiters : [own, ...limiters];
  }

  /** @param {string} name @param {Options} chain @param {Options} options */
  #createJoint(name, chain, options) {
    const joined = policiesOf(chain, 'default');
    const rest = without(chain, ['policies', ...Object.keys(POLICY_OPTIONS)]);
    return this.#create(name, { ...rest, policies: [...joined, ...policiesOf(options, nameOf(name))] }, (policies) =>
      this.#policies.forEach(({ identity }, index) => Object.assign(policies[index], { identity, joins: true })),
    );
  }

  /** @param {string} name @param {Options | Limiter} options */
  #createApart(name, options) {
    if (typeof options === 'function') return /** @type {Limiter} */ (options);
    const limiter = this.#create(name, {
      ...inherited(this.#options, options),
      ...(options.policies === undefined ? { name: nameOf(name), ...options } : options),
    });
    const names = insideOf(limiter)?.stages.flatMap(({ policies }) => policies.map((policy) => policy.name)) ?? [];
    const taken = names.find((known) => this.#policies.some((policy) => policy.name === known));
    if (taken === undefined) return limiter;
    const message = `the chain's own limiter has a policy ${JSON.stringify(taken)}`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: 'rateLimit.name' });
  }

  /**
   * Makes the login limiter of a rule, or of the chain.
   * @param {string} name
   * @param {Options} options
   */
  login(name, options) {
    const { isCountedInCore } = require('../rate-limit/stores');
    const { client, ipv6Prefix, store } = inherited(this.#options, options);
    const base = { client, ipv6Prefix, store: isCountedInCore({ store }) ? store : undefined };
    const overhear = (/** @type {any} */ event) => this.#overhear(event, name);
    const make = () => createChainLimiter({ ...base, ...options }, { login: true, overhear });
    const limiter = withPath(make, (path) => path.replace(/^rateLimit\b/, 'login'));
    this.logins.set(name, limiter);
    return limiter;
  }

  /**
   * The rule of a limiter; empty for the chain's own.
   * @param {Limiter} limiter
   */
  nameOf(limiter) {
    const [name = ''] = [...this.byRule, ...this.logins].find(([, known]) => known === limiter) ?? [];
    return name;
  }

  /** Every limiter once. */
  all() {
    return [...new Set([...this.byRule.values(), ...this.logins.values()])];
  }
}

/**
 * @param {Options} chain
 * @param {Options} options
 */
function canJoin(chain, options) {
  const { isCountedInCore } = require('../rate-limit/stores');
  const isAdding = Object.keys(options).every(
    (name) =>
      name === 'policies' || Object.hasOwn(POLICY_OPTIONS, name) || isDeepStrictEqual(options[name], chain[name]),
  );
  const isPlain = APART.every((name) => chain[name] === undefined);
  return isAdding && isPlain && isCountedInCore({ store: chain.store });
}

/**
 * What the limiter of a rule takes from that of the chain: where and how it counts, and how it answers, but no limit.
 * @param {Options | undefined} chain
 * @param {Options} options
 */
function inherited(chain = {}, options) {
  const left = ['policies', ...Object.keys(POLICY_OPTIONS), ...APART];
  if (ANSWERS.some((name) => options[name] !== undefined)) left.push(...ANSWERS);
  if (options.client !== undefined || options.ipv6Prefix !== undefined) left.push('ipv6Prefix');
  return without(chain, left);
}

/**
 * The policies of a limiter's options, each with all that it is made of.
 * @param {Options} options
 * @param {string} name of one that has none
 * @returns {Options[]}
 */
function policiesOf(options, name) {
  const shared = Object.fromEntries(
    Object.keys(POLICY_OPTIONS)
      .filter((key) => options[key] !== undefined)
      .map((key) => [key, options[key]]),
  );
  if (options.policies === undefined) return [{ name, ...shared }];
  return options.policies.map((/** @type {Options} */ policy) => ({ ...shared, ...policy }));
}

/**
 * @param {Options} options
 * @param {string[]} names
 */
function without(options, names) {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name)));
}

/**
 * The name of a rule's policy: its method and path, as far as a field of the answer can hold them.
 * @param {string} rule
 */
function nameOf(rule) {
  return rule.replace(/[^A-Za-z0-9 _.:/-]/g, '-').slice(0, 64);
}

module.exports = { Limiters };
