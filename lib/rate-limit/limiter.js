'use strict';

const { createClientResolver, createTrustAllReporter } = require('../client-key');
const { configure, internalError } = require('../errors');
const { createReporter } = require('../events');
const native = require('../loader');
const { settleShapes } = require('../object-shapes');
const { refuse } = require('../refusal');
const { createWatcher } = require('./after-response');
const { createDelayStep, goOnLater } = require('./delay');
const { createDenier } = require('./denial');
const { createGates, createListGate } = require('./gates');
const { createHeaderWriter } = require('./headers');
const { createInputReader } = require('./inputs');
const { createDecisionReporter } = require('./reports');
const { setRequestInfo } = require('./request-info');
const { hasLists, isCountedInCore, openStore } = require('./stores');
const { LATER, Visit, keyAt } = require('./visit');

/**
 * @typedef {import('./options').Settings} Settings
 * @typedef {import('./policies').Policy} Policy
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} CountedVisit
 * @typedef {import('./inputs').Step} Step
 * @typedef {import('./visit').Pending} Pending
 */

/**
 * What the stages of one limiter share.
 * @param {Settings} settings
 */
function createContext(settings) {
  const tell = createReporter('rate-limit', settings.onEvent);
  const { overhear } = settings;
  /** @type {typeof tell} */
  const report = overhear === undefined ? tell : (fields) => (overhear(fields), tell(fields));
  const { client = {}, ipv6Prefix } = settings;
  // Checked alone first, so that the error's path is that of the short form.
  if (ipv6Prefix !== undefined) configure('rateLimit', () => native.ClientRules.compile({ ipv6Prefix }));
  const options = ipv6Prefix === undefined ? client : { ...client, ipv6Prefix };
  const resolver = createClientResolver('rateLimit.client', options, createTrustAllReporter(report));
  return { settings, report, resolver, keyText: createKeyText(resolver.rules), outcomes: createOutcomes() };
}

/**
 * How many requests were settled without being counted.
 * @returns {Record<Exclude<import('./visit').Outcome, 'counted'>, number>}
 */
function createOutcomes() {
  return { skipped: 0, 'allow-listed': 0, 'deny-listed': 0, unavailable: 0 };
}

/** @typedef {ReturnType<typeof createContext>} Context */

/**
 * Gives keys as text, for stores in JavaScript, events and `request.rateLimit.key`; each costs a crossing.
 * @param {import('../native/binding').ClientRules} rules
 * @returns {(visit: CountedVisit, policy: Policy) => string}
 */
function createKeyText(rules) {
  /** @type {Record<string, (key: string, forwarded: string) => string>} */
  const made = {};
  return function keyText({ keys, forwarded }, { index, keyOf }) {
    const kind = keyOf ? 'given' : 'client';
    made[kind] ??= rules.keyText(keyOf !== undefined);
    return made[kind](keyAt(keys, index) ?? '', keyOf ? '' : forwarded);
  };
}

/**
 * Makes the middleware of policies that are decided together.
 * @param {Context} context
 * @param {Policy[]} policies
 */
function createStage(context, policies) {
  const { settings, resolver } = context;
  policies.forEach((policy, index) => (policy.index = index));
  /** @param {CountedVisit} visit @param {number} index */
  const keyText = (visit, index) => context.keyText(visit, policies[index]);
  const { store, listed } = openStore(context, policies, keyText);
  /** @type {Step[]} */
  const steps = [...createGates(settings), createInputReader(policies, resolver.forwardedOf)];
  const isListedByHit = isCountedInCore(settings) && policies.every(({ keyOf }) => keyOf === undefined);
  if (hasLists(settings) && !isListedByHit) steps.unshift(createListGate(listed, resolver.forwardedOf));
  steps.push((visit) => store.hit(visit, goOn));
  const afterHit = steps.length;
  if (settings.delay) steps.push(createDelayStep(settings.delay));

  const end = createEnding(context, policies, keyText);
  /** @param {CountedVisit} visit the one that the store has called back about */
  function goOn(visit) {
    proceed(visit, afterHit);
  }
  /**
   * @param {CountedVisit} visit
   * @param {number} first the step that comes next
   */
  function proceed(visit, first) {
    let pending;
    try {
      pending = run(steps, visit, first);
    } catch (cause) {
      return end.fail(visit, cause);
    }
    if (pending === undefined) end.settle(visit);
    else if (pending !== LATER) waitFor(visit, pending);
  }
  /**
   * @param {CountedVisit} visit
   * @param {Promise<unknown>} pending
   */
  function waitFor(visit, pending) {
    pending.then(
      (answer) => answer === LATER || end.settle(visit),
      (cause) => end.fail(visit, cause),
    );
  }
  /**
   * @param {import('./visit').Request} request
   * @param {import('./visit').Response} response
   * @param {import('./visit').Next} next
   */
  function rateLimit(request, response, next) {
    settleShapes(request, response);
    proceed(new Visit(request, response, next), 0);
  }
  return { middleware: rateLimit, policies, store };
}

/**
 * Runs the steps until one settles the request; a promise when one of them gives one, and `LATER` when the store will call
 * back.
 * @param {Step[]} steps
 * @param {CountedVisit} visit
 * @param {number} first
 * @returns {Pending}
 */
function run(steps, visit, first) {
  for (let index = first; index < steps.length; index += 1) {
    if (visit.outcome !== undefined && visit.outcome !== 'counted') return undefined;
    const pending = steps[index](visit);
    if (pending === undefined) continue;
    return pending === LATER ? LATER : pending.then(() => run(steps, visit, index + 1));
  }
  return undefined;
}

/**
 * What becomes of a visit when it is decided.
 * @param {Context} context
 * @param {Policy[]} policies
 * @param {(visit: CountedVisit, index: number) => string} keyText
 */
function createEnding({ settings, report, outcomes }, policies, keyText) {
  const isEnforced = settings.mode !== 'report';
  const writeHeaders = createHeaderWriter(settings, keyText, policies);
  const reportDecision = createDecisionReporter(settings, report, keyText);
  const deny = createDenier(settings, fail);
  const watch = createWatcher(settings, policies, () =>
    report({ type: 'rate-limit.correction-failed', action: 'ignore' }),
  );

  /** @param {CountedVisit} visit */
  function settle(visit) {
    const { outcome } = visit;
    const isCounted = outcome === 'counted';
    const isPassed = isCounted ? visit.isAllowed : outcome !== 'deny-listed' && outcome !== 'unavailable';
    if (!isCounted) outcomes[outcome ?? 'skipped'] += 1;
    else for (const { policy, isAllowed } of visit.decisions) policy.tally[isAllowed ? 'allowed' : 'denied'] += 1;
    if (isCounted) {
      const isAppended = setRequestInfo(visit, keyText);
      if (writeHeaders !== undefined && !visit.response.headersSent) writeHeaders(visit, isAppended);
      if (watch !== undefined) watch(visit);
    }
    reportDecision(visit, isPassed);
    if (!isPassed && isEnforced) return deny(visit);
    if (visit.delayMs > 0 && isEnforced) return goOnLater(visit);
    visit.next();
  }

  /**
   * The request cannot be checked, so it does not pass.
   * @param {CountedVisit} visit
   * @param {unknown} cause
   */
  function fail({ request, response, next }, cause) {
    refuse(request, response, next, internalError(cause), { onReject: settings.onReject });
  }
  return { settle, fail };
}

module.exports = { createContext, createStage };
