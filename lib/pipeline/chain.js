'use strict';

const { isDeepStrictEqual } = require('node:util');
const { AFTER_BODY, LIMITER, PARTS } = require('./parts');
const { inRule } = require('./settings');
const { stricterParts } = require('./stricter');

/**
 * @typedef {import('./parts').Middleware} Middleware
 * @typedef {import('./settings').RuleSettings} RuleSettings
 * @typedef {InstanceType<typeof import('./limiters')['Limiters']>} Limiters
 * @typedef {Record<string, any>} Options
 * @typedef {readonly Middleware[]} Chain the parts that a request passes, in order
 * @typedef {{ chain: Chain, inDoubt: Chain, limits: Chain }} RuleChain `inDoubt`: for requests of which it is not certain
 *   that the rule is about them; `limits`: its limiters alone, for those that another rule is about as well
 */

/** The middleware of each part that is on. @typedef {Map<string, Middleware>} Made */

/**
 * Makes the chain, and that of each rule. What a rule leaves as it is, is the chain's own.
 * @param {Options} parts
 * @param {RuleSettings[]} rules
 * @param {Limiters} limiters
 * @returns {{ main: Chain, ofRules: RuleChain[], made: Made }}
 */
function createChains(parts, rules, limiters) {
  const made = makeParts(parts);
  const own = limiters.own === undefined ? [] : [limiters.own];
  if (parts.login !== false) made.set(AFTER_BODY, limiters.login('', parts.login));
  const main = assemble(made, own);
  const ofRules = rules.map((rule) => inRule(rule.name, () => createRuleChain(rule, parts, made, limiters)));
  return { main, ofRules, made };
}

/**
 * @param {RuleSettings} rule
 * @param {Options} parts of the chain
 * @param {Made} made
 * @param {Limiters} limiters
 * @returns {RuleChain}
 */
function createRuleChain(rule, parts, made, limiters) {
  const { name, parts: own, given } = rule;
  const passed = limitersOf(rule, limiters);
  const login = own.login === false ? undefined : limiters.login(name, own.login);
  const mine = makeParts(own, { parts, made });
  setLogin(mine, given.login === false ? undefined : (login ?? made.get(AFTER_BODY)));
  const careful = makeParts(stricterParts(parts, own), { parts, made });
  setLogin(careful, login ?? made.get(AFTER_BODY));
  const more = passed.filter((limiter) => limiter !== limiters.own);
  return {
    chain: assemble(mine, passed),
    inDoubt: assemble(careful, limiters.withOwn(passed)),
    limits: login === undefined ? more : [...more, login],
  };
}

/**
 * @param {RuleSettings} rule
 * @param {Limiters} limiters
 */
function limitersOf({ name, parts, given, hasGlobalLimit }, limiters) {
  if (given.rateLimit === false) return [];
  if (parts.rateLimit !== false) return limiters.ofRule(name, parts.rateLimit, hasGlobalLimit);
  return hasGlobalLimit ? limiters.withOwn([]) : [];
}

/**
 * @param {Made} made
 * @param {Middleware | undefined} login
 */
function setLogin(made, login) {
  if (login === undefined) made.delete(AFTER_BODY);
  else made.set(AFTER_BODY, login);
}

/**
 * @param {Options} parts
 * @param {{ parts: Options, made: Made }} [base] what is the same as there is not made again
 * @returns {Made}
 */
function makeParts(parts, base) {
  /** @type {(name: string) => boolean} */
  const isSame = (name) => base !== undefined && isDeepStrictEqual(parts[name], base.parts[name]);
  const readsSame = PARTS.every(({ name, readsBody }) => !readsBody || isSame(name));
  /** @type {Made} */
  const made = new Map();
  for (const { name, make, readsBody } of PARTS) {
    if (parts[name] === false || make === undefined) continue;
    const known = (readsBody ? readsSame : isSame(name)) ? base?.made.get(name) : undefined;
    made.set(name, known ?? make(parts[name], parts));
  }
  return made;
}

/**
 * @param {Made} made
 * @param {any[]} limiters
 * @returns {Chain}
 */
function assemble(made, limiters) {
  /** @type {Middleware[]} */
  const chain = [];
  for (const { name } of PARTS) {
    if (name === LIMITER) chain.push(...limiters);
    // A limiter's policies that need the body are decided when it is read and clean.
    if (name === AFTER_BODY) chain.push(...limiters.map(({ afterBody }) => afterBody).filter(isWorking));
    const part = made.get(name);
    if (part !== undefined) chain.push(part);
  }
  return Object.freeze(chain);
}

/** @param {Middleware | undefined} part */
function isWorking(part) {
  return part !== undefined && part.name !== 'rateLimitAfterBody';
}

module.exports = { createChains };
