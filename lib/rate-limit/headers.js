'use strict';

const { createHmac } = require('node:crypto');
const { countAt } = require('./visit');

/**
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {InstanceType<typeof import('./visit')['Decision']>} Decision
 * @typedef {import('./visit').Response} Response
 * @typedef {(visit: Visit, isAppended: boolean) => void} HeaderWriter
 * @typedef {(visit: Visit, index: number) => string} KeyText
 */

const KEY_BYTES = 16;

/**
 * Makes the function that tells a client where it stands, or nothing when no fields are wanted.
 * @param {import('./options').Settings} settings
 * @param {KeyText} keyText
 * @returns {HeaderWriter | undefined}
 */
function createHeaderWriter({ headers = 'draft', legacyHeaders = false, secret }, keyText) {
  const writeFields = headers === false ? undefined : FORMS[headers](secret, keyText);
  if (!legacyHeaders) return writeFields;
  if (writeFields === undefined) return writeLegacy;
  return function writeBoth(visit, isAppended) {
    writeFields(visit, isAppended);
    writeLegacy(visit, isAppended);
  };
}

/** @type {Record<string, (secret: any, keyText: KeyText) => HeaderWriter>} */
const FORMS = {
  draft: (secret, keyText) => itemsWriter(';', secret, keyText),
  'draft-8': (secret, keyText) => itemsWriter('; ', secret, keyText),
  'draft-7': () => writeDraft7,
  'draft-6': () => writeDraft6,
};

/**
 * From draft-ietf-httpapi-ratelimit-headers-08 on: lists of a policy's name with parameters (RFC 9651, sections 3.1 and
 * 3.1.2), here with `separator` before each parameter.
 * @param {string} separator
 * @param {any} secret
 * @param {KeyText} keyText
 * @returns {HeaderWriter}
 */
function itemsWriter(separator, secret, keyText) {
  return function writeItems(visit, isAppended) {
    const { decisions, response, now } = visit;
    let policies = '';
    let standings = '';
    for (const decision of decisions) {
      const { policy, remaining, resetAt } = decision;
      const start = policies === '' ? '"' : ', "';
      const window = Math.ceil(policy.windowMs / 1000);
      const partition = secret === undefined ? '' : `${separator}${partitionKey(secret, policy, visit, keyText)}`;
      policies += `${start}${policy.name}"${separator}q=${quota(visit, decision)}${separator}w=${window}${partition}`;
      standings += `${start}${policy.name}"${separator}r=${remaining}${separator}t=${secondsUntil(resetAt, now)}${partition}`;
    }
    put(response, 'ratelimit-policy', policies, isAppended);
    put(response, 'ratelimit', standings, isAppended);
  };
}

/**
 * The parameter that tells a client's partitions apart without telling its key: a digest under the app's secret.
 * @param {any} secret
 * @param {import('./policies').Policy} policy
 * @param {Visit} visit
 * @param {KeyText} keyText
 */
function partitionKey(secret, { name, index }, visit, keyText) {
  const digest = createHmac('sha256', secret)
    .update(`${name}\0${keyText(visit, index)}`)
    .digest();
  return `pk=:${digest.toString('base64', 0, KEY_BYTES)}:`;
}

/**
 * draft-ietf-httpapi-ratelimit-headers-07: one `RateLimit` field, about the strictest policy.
 * @type {HeaderWriter}
 */
function writeDraft7(visit, isAppended) {
  const { limit, remaining, resetAt } = /** @type {Decision} */ (visit.strictest);
  put(visit.response, 'ratelimit-policy', plainPolicies(visit), isAppended);
  if (!isStrictest(visit)) return;
  const reset = secondsUntil(resetAt, visit.now);
  visit.response.setHeader('ratelimit', `limit=${limit}, remaining=${remaining}, reset=${reset}`);
}

/**
 * draft-ietf-httpapi-ratelimit-headers-06: three fields, about the strictest policy.
 * @type {HeaderWriter}
 */
function writeDraft6(visit, isAppended) {
  const { response } = visit;
  const { limit, remaining, resetAt } = /** @type {Decision} */ (visit.strictest);
  put(response, 'ratelimit-policy', plainPolicies(visit), isAppended);
  if (!isStrictest(visit)) return;
  response.setHeader('ratelimit-limit', `${limit}`);
  response.setHeader('ratelimit-remaining', `${remaining}`);
  response.setHeader('ratelimit-reset', `${secondsUntil(resetAt, visit.now)}`);
}

/** @type {HeaderWriter} */
function writeLegacy(visit) {
  if (!isStrictest(visit)) return;
  const { response } = visit;
  const { limit, remaining, resetAt } = /** @type {Decision} */ (visit.strictest);
  response.setHeader('x-ratelimit-limit', `${limit}`);
  response.setHeader('x-ratelimit-remaining', `${remaining}`);
  response.setHeader('x-ratelimit-reset', `${Math.ceil(resetAt / 1000)}`);
}

/**
 * Whether the visit's strictest policy is that of all limiters so far: forms that know one policy tell of that one.
 * @param {Visit} visit
 */
function isStrictest({ request, strictest }) {
  return request.rateLimit?.name === strictest?.policy.name;
}

/** @param {Visit} visit */
function plainPolicies(visit) {
  const items = visit.decisions.map(
    (decision) => `${quota(visit, decision)};w=${Math.ceil(decision.policy.windowMs / 1000)}`,
  );
  return items.join(', ');
}

/**
 * What a policy allows in its window. Under GCRA that is another number than what it allows at once.
 * @param {Visit} visit
 * @param {Decision} decision
 */
function quota(visit, { policy, limit }) {
  return policy.limit ?? countAt(visit.limits, policy.index) ?? limit;
}

/**
 * @param {Response} response
 * @param {string} name
 * @param {string} value
 * @param {boolean} isAppended
 */
function put(response, name, value, isAppended) {
  const before = isAppended ? response.getHeader(name) : undefined;
  response.setHeader(name, before === undefined ? value : `${before}, ${value}`);
}

/**
 * @param {number} time
 * @param {number} now
 */
function secondsUntil(time, now) {
  return time > now ? Math.ceil((time - now) / 1000) : 0;
}

module.exports = { createHeaderWriter, secondsUntil };
