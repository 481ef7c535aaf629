'use strict';

const { channel } = require('node:diagnostics_channel');

/**
 * The one envelope of everything the package reports. It never holds a request's values.
 * @typedef {import('../index').CarapaceEvent} CarapaceEvent
 * @typedef {import('../index').Finding} Finding
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
    if (onEvent !== undefined) deliver('onEvent', onEvent, event);
  };
}

/**
 * @typedef {((finding: Finding, mode: 'enforce' | 'report') => void) & { isHeard: () => boolean }} FindingReporter
 */

/**
 * Makes the function that tells what a rule found in a request: as an event of the middleware, to `onFinding`, and on
 * the diagnostics channel `carapace:finding`, which has the findings of every middleware.
 * @param {string} stem
 * @param {{ onEvent?: (event: CarapaceEvent) => void, onFinding?: (finding: Finding) => void }} listeners
 * @returns {FindingReporter}
 */
function createFindingReporter(stem, { onEvent, onFinding }) {
  const report = createReporter(stem, onEvent);
  const findings = channel('carapace:finding');
  const stream = channel(`carapace:${stem}`);
  /** Whether anybody listens: a finding that nobody hears need not be made. */
  const isHeard = () =>
    onEvent !== undefined || onFinding !== undefined || stream.hasSubscribers || findings.hasSubscribers;
  /** @type {(finding: Finding, mode: 'enforce' | 'report') => void} */
  const reportFinding = (finding, mode) => {
    report({ type: 'finding', ...finding, mode });
    if (findings.hasSubscribers) findings.publish({ type: 'finding', stem, ...finding, mode });
    if (onFinding !== undefined) deliver('onFinding', onFinding, finding);
  };
  return Object.assign(reportFinding, { isHeard });
}

/**
 * A listener that throws must not decide about a request.
 * @template Event
 * @param {string} name
 * @param {(event: Event) => void} listener
 * @param {Event} event
 */
function deliver(name, listener, event) {
  try {
    listener(event);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`${name} threw: ${reason}`, { type: 'CarapaceWarning', code: 'CARAPACE_LISTENER' });
  }
}

module.exports = { createFindingReporter, createReporter };
