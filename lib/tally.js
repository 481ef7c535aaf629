'use strict';

/** Times below which latencies are counted, in seconds. */
const BOUNDS = [0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

/** How many latencies there were at the most in each of the bounds. */
class Histogram {
  counts = new Array(BOUNDS.length + 1).fill(0);
  sum = 0;

  /** @param {number} seconds */
  add(seconds) {
    let index = 0;
    while (index < BOUNDS.length && seconds > BOUNDS[index]) index += 1;
    this.counts[index] += 1;
    this.sum += seconds;
  }
}

/** What a chain has counted since it was made. */
class Tally {
  requests = 0;
  /** @type {Map<string, number>} by error code */
  refusals = new Map();
  /** @type {Map<string, { stem: string, rule: string, action: string, mode: string, count: number }>} */
  findings = new Map();
  /** @type {Map<string, { stem: string, type: string, count: number }>} */
  events = new Map();
  chain = new Histogram();
  request = new Histogram();

  /** @param {string} code */
  countRefusal(code) {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  /** @param {import('../index').CarapaceEvent} event */
  countEvent({ type, stem, rule = '', action = '', mode }) {
    // Names in an event come from this package, never from a request, so both maps stay small.
    if (type === 'finding') bump(this.findings, { stem, rule, action, mode });
    else bump(this.events, { stem, type });
  }
}

/**
 * @param {Map<string, any>} counts
 * @param {Record<string, string>} labels
 */
function bump(counts, labels) {
  const key = Object.values(labels).join(' ');
  const known = counts.get(key);
  if (known === undefined) counts.set(key, { ...labels, count: 1 });
  else known.count += 1;
}

/**
 * What says on a request which chains it runs through, the last one first. It is a property with a plain name: a symbol in
 * a variable makes V8 turn the request into a hash table, and everything that is done with it later costs more.
 */
class Mark {
  /**
   * @param {Tally} tally of the chain
   * @param {Mark} [before]
   * @param {any} [app] the Express app that the chain stands in front of
   */
  constructor(tally, before, app) {
    this.tally = tally;
    this.before = before;
    this.app = app ?? before?.app;
  }

  /** @param {Tally} tally */
  isOf(tally) {
    for (let mark = /** @type {Mark | undefined} */ (this); mark !== undefined; mark = mark.before) {
      if (mark.tally === tally) return true;
    }
    return false;
  }
}

/**
 * Counts a refusal for the chain that the request runs through.
 * @param {object} request
 * @param {string} code
 */
function countRefusal(request, code) {
  const { _carapace: mark } = /** @type {{ _carapace?: Mark }} */ (request);
  if (mark instanceof Mark) mark.tally.countRefusal(code);
}

/**
 * The Express app that a request is for. In front of an app, requests do not have Express's own `app` yet.
 * @param {any} request
 */
function appOf({ app, _carapace: mark }) {
  return app ?? (mark instanceof Mark ? mark.app : undefined);
}

module.exports = { BOUNDS, Histogram, Mark, Tally, appOf, countRefusal };
