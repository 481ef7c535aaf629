'use strict';

const { isIPv4, isIPv6 } = require('node:net');
const { peerOf } = require('../../lib/client-key');
const { configure } = require('../../lib/errors');
const native = require('../../lib/loader');

const DEFAULT_SUBNET = 56;

/** The core's rules, by the bits of an IPv6 address that tell clients apart. @type {Map<number | false, KeyTexts>} */
const known = new Map();

/** @typedef {{ ofClient: (peer: string, chosen: string) => string, ofText: (address: string, none: string) => string }} KeyTexts */

/**
 * @param {any} subnet
 * @returns {KeyTexts}
 */
function rulesOf(subnet) {
  const bits = subnet ? Number(subnet) : false;
  let texts = known.get(bits);
  if (texts === undefined) {
    const rules = configure('ipKeyGenerator', () => native.ClientRules.compile({ ipv6Prefix: bits }));
    texts = { ofClient: rules.keyText(false), ofText: rules.keyText(true) };
    known.set(bits, texts);
  }
  return texts;
}

/**
 * The whole address is a network too, and stores have it so.
 * @param {string} key
 * @param {any} subnet
 */
function asNetwork(key, subnet) {
  return Number(subnet) === 128 && isIPv6(key) ? `${key}/128` : key;
}

/**
 * The key of an address: IPv6 as its network, IPv4 in any disguise as itself.
 * @param {any} ip
 * @param {number | false} [ipv6Subnet]
 */
function ipKeyGenerator(ip, ipv6Subnet = DEFAULT_SUBNET) {
  return typeof ip === 'string' ? asNetwork(rulesOf(ipv6Subnet).ofText(ip, ''), ipv6Subnet) : ip;
}

/**
 * Makes the default key generator: by `request.ip`, or by the connection when that is no address, or when every client
 * could choose it (S-7, S-9).
 * @param {Record<string, any>} validations
 * @param {() => any} subnetOption
 */
function createKeyGenerator(validations, subnetOption) {
  /** @param {any} request @param {any} response */
  return async function keyGenerator(request, response) {
    const { ip } = request;
    validations.ip(ip);
    validations.trustProxy(request);
    validations.xForwardedForHeader(request);
    validations.forwardedHeader(request);
    const trustsAll = request.app?.get?.('trust proxy') === true;
    // The core has no other key for it.
    if (!trustsAll && isIPv4(ip)) return ip;
    let subnet = DEFAULT_SUBNET;
    if (isIPv6(ip)) {
      const option = subnetOption();
      subnet = typeof option === 'function' ? await option(request, response) : option;
      if (typeof option === 'function') validations.ipv6Subnet(subnet);
    }
    const chosen = typeof ip === 'string' && !trustsAll ? ip : '';
    return asNetwork(rulesOf(subnet).ofClient(peerOf(request), chosen), subnet);
  };
}

module.exports = { createKeyGenerator, ipKeyGenerator };
