'use strict';

const { channel } = require('node:diagnostics_channel');

/**
 * The one envelope of everything the package reports. It never holds a request's values.
 * @typedef {import('../index').CarapaceEvent} CarapaceEvent
 */

/**
 * Makes the reporting function of one middleware. Events go to `onEvent` and to the diagnostics channel
 * `carapace:<stem>`; when nobody listens, reporting costs one check.
 * @param {string} stem
 * @param {((event: CarapaceEvent) => void) | undefined} onEvent
 * @returns {(fields: Omit<CarapaceEvent, 'stem' | 'mode'> & { mode?: 'enforce' | 'report' }) => void}
 */
function createReporter(stem, onEvent) {
  const stream = channel(`carapace:${stem}`);
  return function report(fields) {
    if (onEvent === undefined && !stream.hasSubscribers) return;
    /** @type {CarapaceEvent} */
    const event = { stem, mode: 'enforce', ...fields };
    if (stream.hasSubscribers) stream.publish(event);
    if (onEvent !== undefined) deliver(onEvent, event);
  };
}

/**
 * A listener that throws must not decide about a request.
 * @param {(event: CarapaceEvent) => void} onEvent
 * @param {CarapaceEvent} event
 */
function deliver(onEvent, event) {
  try {
    onEvent(event);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`onEvent threw: ${reason}`, { type: 'CarapaceWarning', code: 'CARAPACE_LISTENER' });
  }
}

module.exports = { createReporter };
