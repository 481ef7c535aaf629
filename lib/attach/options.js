'use strict';

/**
 * The options of `attach`, with what they set on a server, where it is one of Node's own properties.
 * @type {[option: string, property: string, standard: number | undefined][]}
 */
const PROPERTIES = [
  ['headersTimeoutMs', 'headersTimeout', 15_000],
  ['requestTimeoutMs', 'requestTimeout', 120_000],
  ['keepAliveTimeoutMs', 'keepAliveTimeout', undefined],
  ['maxHeadersCount', 'maxHeadersCount', 100],
  ['maxRequestsPerSocket', 'maxRequestsPerSocket', undefined],
  ['maxConnections', 'maxConnections', undefined],
];

/** @type {import('../options').OptionTable} */
const OPTIONS = {
  ...Object.fromEntries(PROPERTIES.map(([option]) => [option, { type: 'number', least: 1 }])),
  connectionsPerAddress: { type: 'number', least: 1 },
  ipv6Prefix: 'number|boolean',
  upgradeOrigins: 'boolean|string|array',
};

/**
 * Node's word for no limit is 0.
 * @param {any} server
 * @param {Record<string, any>} settings
 */
function setProperties(server, settings) {
  for (const [option, property, standard] of PROPERTIES) {
    const value = settings[option] ?? standard;
    if (value !== undefined && property in server) server[property] = value === Infinity ? 0 : value;
  }
  if (settings.maxConnections !== undefined) {
    server.maxConnections = settings.maxConnections === Infinity ? undefined : settings.maxConnections;
  }
}

module.exports = { OPTIONS, PROPERTIES, setProperties };
