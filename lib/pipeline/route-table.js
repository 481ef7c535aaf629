'use strict';

const { CarapaceError } = require('../errors');
const { fold } = require('./path-test');
const { isPlain, pathnameOf, pathsOf, routingOf } = require('./request-path');
const { takes } = require('./rule');

/**
 * @typedef {import('./chain').Chain} Chain
 * @typedef {import('./chain').RuleChain} RuleChain
 * @typedef {import('./rule').Rule} Rule
 * @typedef {import('./path-grammar').Routing} Routing
 */

// Mixtures that are kept; a client that looks for more of them has them made anew.
const MOST_MIXED = 256;

/**
 * Finds the chain of a request: that of the first rule that its path and method match as the app's router would match
 * them. Where another router, proxy or file system might read the path as one of another rule, too, the stricter of both
 * applies (CWE-41, CWE-436).
 */
class RouteTable {
  #rules;
  #chains;
  #main;
  #hasCors;
  /** What is passed when several rules may be meant, so that it is made once. @type {Map<string, Chain>} */
  #mixed = new Map();

  /**
   * @param {Rule[]} rules
   * @param {RuleChain[]} chains
   * @param {Chain} main for requests that no rule is about
   * @param {boolean} hasCors whether preflights are answered by the chain
   */
  constructor(rules, chains, main, hasCors) {
    checkReach(rules);
    this.#rules = rules;
    this.#chains = chains;
    this.#main = main;
    this.#hasCors = hasCors;
  }

  /**
   * @param {any} request
   * @returns {Chain}
   */
  chainOf(request) {
    const path = pathnameOf(request.url ?? '/');
    const method = this.#hasCors ? methodOf(request) : request.method;
    const routing = routingOf(request);
    const exact = this.#find(method, routing.isSensitive ? path : fold(path), routing);
    if (!routing.isSensitive && !routing.isStrict && isPlain(path)) {
      return exact === -1 ? this.#main : this.#chains[exact].chain;
    }
    const meant = this.#meant(method, path, routing);
    meant.delete(exact);
    if (meant.size === 0) return exact === -1 ? this.#main : this.#chains[exact].chain;
    return this.#mix(
      [...meant].sort((left, right) => left - right),
      exact,
    );
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Routing} routing
   */
  #find(method, path, routing) {
    const rules = this.#rules;
    for (let index = 0; index < rules.length; index += 1) {
      if (takes(rules[index], method) && rules[index].matches(path, routing)) return index;
    }
    return -1;
  }

  /**
   * The rules that some reading of the path is one of.
   * @param {string} method
   * @param {string} path
   * @param {Routing} routing
   */
  #meant(method, path, { major }) {
    const routing = { major, isSensitive: false, isStrict: false };
    const found = pathsOf(path).map((reading) => this.#find(method, fold(reading), routing));
    return new Set(found.filter((index) => index !== -1));
  }

  /**
   * @param {number[]} meant
   * @param {number} exact
   * @returns {Chain}
   */
  #mix(meant, exact) {
    const key = `${meant.join()}:${exact}`;
    let chain = this.#mixed.get(key);
    if (chain === undefined) {
      const [first, ...others] = meant;
      const limits = [exact, ...others].flatMap((index) => this.#chains[index]?.limits ?? []);
      chain = Object.freeze([...this.#chains[first].inDoubt, ...limits]);
      if (this.#mixed.size < MOST_MIXED) this.#mixed.set(key, chain);
    }
    return chain;
  }
}

/**
 * The method that a request is about: of a preflight, the one that is to follow.
 * @param {any} request
 * @returns {string}
 */
function methodOf({ method, headers }) {
  if (method !== 'OPTIONS') return method;
  const wanted = headers['access-control-request-method'];
  return wanted === undefined || headers.origin === undefined ? method : wanted;
}

/**
 * A rule that no request can reach would leave its requests to another one without a word.
 * @param {Rule[]} rules
 */
function checkReach(rules) {
  rules.forEach((rule, index) => {
    const before = rules.slice(0, index).find((other) => covers(other, rule));
    if (before === undefined) return;
    const message = `is never reached, because ${JSON.stringify(before.name)} before it takes all its requests`;
    const path = `carapace.routes[${JSON.stringify(rule.name)}]`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path });
  });
}

/**
 * Whether a rule takes every request of another one: it takes made-up ones, whose parameters nobody could foresee.
 * @param {Rule} rule
 * @param {Rule} other
 */
function covers(rule, other) {
  const methods = other.method === undefined ? ['GET', 'POST', 'QUERY'] : [other.method];
  const routing = /** @type {Routing} */ ({ major: 5, isSensitive: false, isStrict: false });
  return (
    methods.every((method) => takes(rule, method)) && other.samples.every((path) => rule.matches(fold(path), routing))
  );
}

module.exports = { RouteTable };
