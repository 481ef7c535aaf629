'use strict';

const { CarapaceError } = require('../../errors');
const { createIoredisClient } = require('./ioredis');
const { createNodeRedisClient } = require('./node-redis');

/**
 * A command on its way: it must not be sent any more once it is abandoned, and never twice.
 * @typedef {object} Sending
 * @property {Promise<unknown>} reply
 * @property {() => void} abandon
 *
 * A client of the user's, whatever it is.
 * @typedef {object} Client
 * @property {boolean} isCluster whether keys lie on several nodes
 * @property {() => boolean} isDown whether it is known to have no connection: nothing is queued for later then
 * @property {(args: string[], key: string | undefined) => Sending} send `key` says where to
 * @property {() => Promise<((args: string[]) => Promise<unknown>)[]>} masters each master's own way to send, for SCAN
 * @property {(listener: (isUp: boolean) => void) => () => void} watch tells of connections that come and go; gives the way
 *   to end that
 */

/**
 * @param {string} path
 * @param {import('./address').Address} address
 * @returns {Client}
 */
function createClient(path, address) {
  if ('sendCommand' in address) return createPlainClient(address.sendCommand, address.isCluster);
  const { client } = /** @type {{ client: any }} */ (address);
  if (typeof client?.defineCommand === 'function' && typeof client.status === 'string') {
    return createIoredisClient(client);
  }
  if (typeof client?.sendCommand === 'function') return createNodeRedisClient(client);
  const message = 'expected a client of ioredis or node-redis; sendCommand takes the function of another one';
  throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: `${path}.client` });
}

/**
 * A client of which nothing is known but how to send.
 * @param {(...args: string[]) => unknown} sendCommand
 * @param {boolean} isCluster
 * @returns {Client}
 */
function createPlainClient(sendCommand, isCluster) {
  /** @param {string[]} args */
  const send = async (args) => sendCommand(...args);
  return {
    isCluster,
    isDown: () => false,
    send: (args) => ({ reply: send(args), abandon() {} }),
    async masters() {
      if (!isCluster) return [send];
      const message = 'resetAll() has to ask every node of a cluster, which sendCommand cannot; give client instead';
      throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: 'redisStore.sendCommand' });
    },
    watch: () => () => {},
  };
}

module.exports = { createClient };
