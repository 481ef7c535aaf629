'use strict';

const { createReporter } = require('../events');
const { PARTS } = require('./parts');

/**
 * @typedef {Record<string, any>} Options
 * @typedef {(event: import('../../index').CarapaceEvent) => void} Listener
 */

/**
 * Gives every part the listeners of the chain: what counts its events, and then the part's own `onEvent` or that of the
 * chain. A limiter is given one only when somebody listens, because to name a denied client it has to be asked for.
 * @param {{ given: Options, parts: Options, rules: import('./settings').RuleSettings[] }} settings
 * @param {InstanceType<typeof import('../tally')['Tally']>} tally
 */
function createListeners({ given, parts, rules }, tally) {
  /** @type {Map<Listener | undefined, Listener>} */
  const made = new Map();
  /** @param {Listener | undefined} listener */
  function counted(listener) {
    let counting = made.get(listener);
    if (counting === undefined) {
      counting = (event) => {
        tally.countEvent(event);
        listener?.(event);
      };
      made.set(listener, counting);
    }
    return counting;
  }

  /** @param {Options} all */
  function listening(all) {
    const result = { ...all };
    for (const part of PARTS) {
      const { name } = part;
      const own = result[name];
      if (typeof own !== 'object' || !Object.hasOwn(part.table, 'onEvent')) continue;
      const listener = own.onEvent ?? given.onEvent;
      const isLimiter = name === 'rateLimit' || name === 'login';
      if (isLimiter && listener === undefined) continue;
      result[name] = { ...own, onEvent: isLimiter ? listener : counted(listener) };
    }
    return result;
  }

  /** What the chain itself has to tell. */
  const report = createReporter('carapace', counted(given.onEvent));
  return { report, parts: listening(parts), rules: rules.map((rule) => ({ ...rule, parts: listening(rule.parts) })) };
}

module.exports = { createListeners };
