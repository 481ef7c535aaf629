'use strict';

const { insideOf } = require('../rate-limit');
const { BOUNDS } = require('../tally');
const { textOf } = require('./metrics-text');

/**
 * @typedef {InstanceType<typeof import('../tally')['Tally']>} Tally
 * @typedef {InstanceType<typeof import('../tally')['Histogram']>} Histogram
 * @typedef {import('../../index').ShieldMetrics} ShieldMetrics
 * @typedef {{ labels: Record<string, string>, value: number, suffix?: string }} Sample
 * @typedef {{ name: string, help: string, type: 'counter' | 'gauge' | 'histogram', samples: Sample[] }} Family
 */

/**
 * Makes what tells of a chain's counts. Every label comes from the options or from this package, none from a request.
 * @param {Tally} tally
 * @param {InstanceType<typeof import('./limiters')['Limiters']>} limiters
 * @param {Map<string, boolean>} stores whether each limiter's store answers, by its rule
 * @param {string} prefix
 */
function createMetrics(tally, limiters, stores, prefix) {
  /** @returns {ShieldMetrics} */
  function metrics() {
    const data = collect(tally, limiters, stores);
    return Object.defineProperty(data, 'toString', { value: () => textOf(familiesOf(data, prefix)) });
  }
  return Object.assign(metrics, {
    text: () => textOf(familiesOf(collect(tally, limiters, stores), prefix)),
    families: () => familiesOf(collect(tally, limiters, stores), prefix),
  });
}

/**
 * @param {Tally} tally
 * @param {InstanceType<typeof import('./limiters')['Limiters']>} limiters
 * @param {Map<string, boolean>} stores
 * @returns {ShieldMetrics}
 */
function collect(tally, limiters, stores) {
  return {
    requests: tally.requests,
    ...decisionsOf(limiters.all()),
    findings: [...tally.findings.values()].map((entry) => ({ ...entry })),
    refusals: Object.fromEntries(tally.refusals),
    events: [...tally.events.values()].map((entry) => ({ ...entry })),
    stores: limiters.all().map((limiter) => {
      const rule = limiters.nameOf(limiter);
      return { limiter: rule || 'global', isUp: stores.get(rule) ?? true };
    }),
    latency: { chain: latencyOf(tally.chain), request: latencyOf(tally.request) },
  };
}

/**
 * Joint limiters decide the policies of the chain's own, too: those are one.
 * @param {import('../../index').RateLimiter[]} limiters
 */
function decisionsOf(limiters) {
  /** @type {Map<string, { policy: string, allowed: number, denied: number }>} */
  const decisions = new Map();
  /** @type {Record<string, number>} */
  const uncounted = {};
  for (const limiter of limiters) {
    const { stages, outcomes } = insideOf(limiter) ?? { stages: [], outcomes: {} };
    for (const [outcome, count] of Object.entries(outcomes)) uncounted[outcome] = (uncounted[outcome] ?? 0) + count;
    for (const { name, tally } of stages.flatMap(({ policies }) => policies)) {
      const known = decisions.get(name) ?? { policy: name, allowed: 0, denied: 0 };
      known.allowed += tally.allowed;
      known.denied += tally.denied;
      decisions.set(name, known);
    }
  }
  return { decisions: [...decisions.values()], uncounted };
}

/** @param {Histogram} histogram */
function latencyOf({ counts, sum }) {
  let total = 0;
  const buckets = counts.map((count, index) => ({ le: BOUNDS[index] ?? Infinity, count: (total += count) }));
  return { count: total, sum, buckets };
}

/**
 * @param {ShieldMetrics} data
 * @param {string} prefix
 * @returns {Family[]}
 */
function familiesOf(data, prefix) {
  const { decisions, uncounted, findings, refusals, events, stores, latency } = data;
  /** @type {[string, Family['type'], string, Sample[]][]} */
  const families = [
    ['requests_total', 'counter', 'Requests that entered the chain', [sample(data.requests)]],
    [
      'decisions_total',
      'counter',
      'Decisions of limiters, by policy',
      decisions.flatMap(({ policy, allowed, denied }) => [
        sample(allowed, { policy, decision: 'allow' }),
        sample(denied, { policy, decision: 'deny' }),
      ]),
    ],
    [
      'uncounted_total',
      'counter',
      'Requests that limiters settled without a count, by outcome',
      Object.entries(uncounted).map(([outcome, count]) => sample(count, { outcome })),
    ],
    [
      'findings_total',
      'counter',
      'What rules found in requests',
      findings.map(({ count, ...labels }) => sample(count, labels)),
    ],
    [
      'refusals_total',
      'counter',
      'Requests refused, by error code',
      Object.entries(refusals).map(([code, count]) => sample(count, { code })),
    ],
    ['events_total', 'counter', 'Other events, by type', events.map(({ count, ...labels }) => sample(count, labels))],
    [
      'store_up',
      'gauge',
      'Whether the store of a limiter answers',
      stores.map(({ limiter, isUp }) => sample(Number(isUp), { limiter })),
    ],
    ['chain_seconds', 'histogram', 'Time in the chain, of some requests', histogram(latency.chain)],
    ['request_seconds', 'histogram', 'Time until the answer is out, of the same requests', histogram(latency.request)],
  ];
  return families.map(([name, type, help, samples]) => ({ name: `${prefix}${name}`, type, help, samples }));
}

/**
 * @param {number} value
 * @param {Record<string, string>} [labels]
 * @returns {Sample}
 */
function sample(value, labels = {}) {
  return { labels, value };
}

/**
 * @param {ReturnType<typeof latencyOf>} latency
 * @returns {Sample[]}
 */
function histogram({ count, sum, buckets }) {
  return [
    ...buckets.map(({ le, count: below }) => ({
      suffix: '_bucket',
      labels: { le: le === Infinity ? '+Inf' : String(le) },
      value: below,
    })),
    { suffix: '_sum', labels: {}, value: sum },
    { suffix: '_count', labels: {}, value: count },
  ];
}

module.exports = { createMetrics };
