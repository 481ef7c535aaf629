'use strict';

const { createHmac } = require('node:crypto');
const { countAt } = require('./visit');

/**
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {InstanceType<typeof import('./visit')['Decision']>} Decision
 * @typedef {import('./visit').Response} Response
 * @typedef {(visit: Visit, isAppended: boolean) => void} HeaderWriter
 * @typedef {(visit: Visit, index: number) => string} KeyText
 * @typedef {import('./policies').Policy} Policy
 */

const KEY_BYTES = 16;

/**
 * Makes the function that tells a client where it stands, or nothing when no fields are wanted.
 * @param {import('./options').Settings} settings
 * @param {KeyText} keyText
 * @param {Policy[]} policies
 * @returns {HeaderWriter | undefined}
 */
function createHeaderWriter({ headers = 'draft', legacyHeaders = false, secret }, keyText, policies) {
  const writeFields = headers === false ? undefined : FORMS[headers](secret, keyText, policies);
  if (!legacyHeaders) return writeFields;
  if (writeFields === undefined) return writeLegacy;
  return function writeBoth(visit, isAppended) {
    writeFields(visit, isAppended);
    writeLegacy(visit, isAppended);
  };
}

/** @type {Record<string, (secret: any, keyText: KeyText, policies: Policy[]) => HeaderWriter>} */
const FORMS = {
  draft: (secret, keyText, policies) => itemsWriter(';', secret, keyText, policies),
  'draft-8': (secret, keyText, policies) => itemsWriter('; ', secret, keyText, policies),
  'draft-7': (_secret, _keyText, policies) => plainWriter(policies, writeDraft7),
  'draft-6': (_secret, _keyText, policies) => plainWriter(policies, writeDraft6),
};

/**
 * From draft-ietf-httpapi-ratelimit-headers-08 on: lists of a policy's name with parameters (RFC 9651, sections 3.1 and
 * 3.1.2), here with `separator` before each parameter.
 * @param {string} separator
 * @param {any} secret
 * @param {KeyText} keyText
 * @param {Policy[]} all
 * @returns {HeaderWriter}
 */
function itemsWriter(separator, secret, keyText, all) {
  const isFixed = secret === undefined && all.every(({ limit }) => limit !== undefined);
  const fixed = isFixed
    ? all.map((policy) => policyItem(policy, Number(policy.limit), separator)).join(', ')
    : undefined;

  // What stands around the two numbers of a standing, made once.
  const starts = all.map(({ name }) => `"${name}"${separator}r=`);
  const middle = `${separator}t=`;

  return function writeItems(visit, isAppended) {
    const { decisions, response, now } = visit;
    let policies = '';
    let standings = '';
    for (const decision of decisions) {
      const { policy, remaining, resetAt } = decision;
      const comma = standings === '' ? '' : ', ';
      const partition = secret === undefined ? '' : `${separator}${partitionKey(secret, policy, visit, keyText)}`;
      standings += `${comma}${starts[policy.index]}${remaining}${middle}${secondsUntil(resetAt, now)}${partition}`;
      if (fixed === undefined || decisions.length !== all.length) {
        policies += `${comma}${policyItem(policy, quota(visit, decision), separator)}${partition}`;
      }
    }
    put(response, 'ratelimit-policy', policies === '' ? (fixed ?? '') : policies, isAppended);
    put(response, 'ratelimit', standings, isAppended);
  };
}

/**
 * @param {Policy} policy
 * @param {number} limit
 * @param {string} separator
 */
function policyItem({ name, windowMs }, limit, separator) {
  return `"${name}"${separator}q=${limit}${separator}w=${Math.ceil(windowMs / 1000)}`;
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
 * The forms before that: all policies in one field, and where the client stands under the strictest of all limiters so far.
 * @param {Policy[]} all
 * @param {(response: Response, standing: Decision, seconds: number) => void} writeStanding
 * @returns {HeaderWriter}
 */
function plainWriter(all, writeStanding) {
  /** @param {Policy} policy @param {number} limit */
  const item = ({ windowMs }, limit) => `${limit};w=${Math.ceil(windowMs / 1000)}`;
  const isFixed = all.every(({ limit }) => limit !== undefined);
  const fixed = isFixed ? all.map((policy) => item(policy, Number(policy.limit))).join(', ') : undefined;

  return function writePlain(visit, isAppended) {
    const { decisions, response, now, strictest } = visit;
    const isWhole = fixed !== undefined && decisions.length === all.length;
    const policies = isWhole ? fixed : decisions.map((one) => item(one.policy, quota(visit, one))).join(', ');
    put(response, 'ratelimit-policy', policies, isAppended);
    if (strictest !== undefined && isStrictest(visit)) {
      writeStanding(response, strictest, secondsUntil(strictest.resetAt, now));
    }
  };
}

/**
 * draft-ietf-httpapi-ratelimit-headers-07: one field.
 * @param {Response} response
 * @param {Decision} standing
 * @param {number} seconds
 */
function writeDraft7(response, { limit, remaining }, seconds) {
  response.setHeader('ratelimit', `limit=${limit}, remaining=${remaining}, reset=${seconds}`);
}

/**
 * draft-ietf-httpapi-ratelimit-headers-06: three fields.
 * @param {Response} response
 * @param {Decision} standing
 * @param {number} seconds
 */
function writeDraft6(response, { limit, remaining }, seconds) {
  response.setHeader('ratelimit-limit', `${limit}`);
  response.setHeader('ratelimit-remaining', `${remaining}`);
  response.setHeader('ratelimit-reset', `${seconds}`);
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
