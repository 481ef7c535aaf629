'use strict';

/**
 * Asks again and again until the answer is true; throws when that takes too long.
 * @param {() => Promise<boolean> | boolean} holds
 * @param {string} what named in the error
 * @param {{ withinMs?: number, everyMs?: number }} [options]
 */
async function until(holds, what, { withinMs = 10_000, everyMs = 10 } = {}) {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

module.exports = { until };
