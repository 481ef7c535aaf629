'use strict';

const { BlockList, isIPv6 } = require('node:net');
const { peerOf } = require('../client-key');
const { expressTrust } = require('../proxy-trust');

/** Addresses that a proxy of one's own has, and a client from the internet has not. */
const NEARBY = new BlockList();
for (const [address, prefix] of /** @type {[string, number][]} */ ([
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
])) {
  NEARBY.addSubnet(address, prefix, 'ipv4');
}
for (const [address, prefix] of /** @type {[string, number][]} */ ([
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
])) {
  NEARBY.addSubnet(address, prefix, 'ipv6');
}

/**
 * Watches for requests that a proxy near by has forwarded while nobody is trusted to do so: then all clients share one
 * limit, that of the proxy.
 * @param {boolean} isDecided whether the options say whom to trust
 * @param {() => void} onSeen called once
 */
function createForwardedWatch(isDecided, onSeen) {
  let isOver = isDecided;
  const watch = {
    isSeen: false,
    /** @param {any} request */
    look(request) {
      if (isOver || request.headers['x-forwarded-for'] === undefined || !isNearby(peerOf(request))) return;
      isOver = true;
      const { trust, isRefused } = expressTrust(request);
      if (isRefused || trust?.(peerOf(request), 0)) return;
      watch.isSeen = true;
      onSeen();
    },
  };
  return watch;
}

/** @param {string} peer */
function isNearby(peer) {
  const address = peer.replace(/^::ffff:/i, '');
  return address !== '' && NEARBY.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

module.exports = { createForwardedWatch };
