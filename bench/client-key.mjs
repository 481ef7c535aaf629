// What finding the client costs: the JavaScript side plus the limiter's one call, by rule, beside what
// express-rate-limit does for its key alone (proxy-addr's address through ipKeyGenerator).
import { createRequire } from 'node:module';
import { interleave } from './harness.mjs';
import { openReport } from './harness/report.mjs';

const require = createRequire(import.meta.url);
const { createClientResolver, peerOf } = require('../lib/client-key.js');
const native = require('../lib/loader.js');
const { ipKeyGenerator } = require('express-rate-limit');
const proxyaddr = require('proxy-addr');

const POLICY = { limit: 2 ** 31 - 1, windowMs: 60_000 };
const PEERS = Array.from({ length: 64 }, (_, host) => `10.0.0.${host}`);
const CLIENTS = { IPv4: (host) => `203.0.113.${host}`, IPv6: (host) => `2001:db8:${host.toString(16)}:1::1` };
const CLOUDFLARE = Array.from({ length: 64 }, (_, host) => `173.245.48.${host}`);

const express = (headers, address, trust) => {
  const request = { headers, socket: { remoteAddress: address }, app: { get: () => trust } };
  Object.defineProperty(request, 'ip', { get: () => proxyaddr(request, trust) });
  return request;
};
const requests = (headersOf, peers = PEERS, client = CLIENTS.IPv4) =>
  peers.map((address, host) => ({ headers: headersOf(client(host)), socket: { remoteAddress: address } }));
const forwardedFor = (client) => ({ 'x-forwarded-for': `198.51.100.9, ${client}` });

const hops = (_, hop) => hop < 1;
const subjects = {
  'a ready key, no reading': given(),
  'socket peer, IPv4': ours(
    { trustProxy: false },
    requests(() => ({})),
  ),
  'socket peer, IPv6': ours(
    { trustProxy: false },
    requests(
      () => ({}),
      Array.from({ length: 64 }, (_, i) => CLIENTS.IPv6(i)),
    ),
  ),
  'hops: 1, IPv4': ours({ trustProxy: 1 }, requests(forwardedFor)),
  'hops: 1, IPv6': ours({ trustProxy: 1 }, requests(forwardedFor, PEERS, CLIENTS.IPv6)),
  'trusted proxies, IPv4': ours(
    { trustProxy: ['uniquelocal', 'loopback'] },
    requests((client) => ({ 'x-forwarded-for': `${client}, 10.9.9.9` })),
  ),
  'Forwarded, IPv6': ours(
    { trustProxy: 1, header: 'forwarded' },
    requests((client) => ({ forwarded: `for="[${client}]:4711";proto=https` }), PEERS, CLIENTS.IPv6),
  ),
  'Cloudflare, IPv4': ours(
    { header: 'cloudflare' },
    requests((client) => ({ 'cf-connecting-ip': client }), CLOUDFLARE),
  ),
  '12 kB of commas': ours(
    { trustProxy: ['uniquelocal'] },
    requests(() => ({ 'x-forwarded-for': ','.repeat(12_000) })),
  ),
  "Express's hops: 1": ours(
    {},
    PEERS.map((peer, host) => express(forwardedFor(CLIENTS.IPv4(host)), peer, hops)),
  ),
  'express-rate-limit, key only, IPv4': peers(
    PEERS.map((peer, host) => express(forwardedFor(CLIENTS.IPv4(host)), peer, hops)),
  ),
  'express-rate-limit, key only, IPv6': peers(
    PEERS.map((peer, host) => express(forwardedFor(CLIENTS.IPv6(host)), peer, hops)),
  ),
};

function ours(client, requests) {
  const { rules, forwardedOf } = createClientResolver('client', client, () => {});
  const { hit } = native.createRateLimiter({ policies: [POLICY] }, rules);
  return (iterations) => {
    for (let index = 0; index < iterations; index += 1) {
      const request = requests[index & 63];
      hit(peerOf(request), forwardedOf(request), index);
    }
  };
}

function given() {
  const { rules } = createClientResolver('client', {}, () => {});
  const { hit } = native.createRateLimiter({ policies: [{ ...POLICY, hasGivenKeys: true }] }, rules);
  return (iterations) => {
    for (let index = 0; index < iterations; index += 1) hit(PEERS[index & 63], '', index);
  };
}

function peers(requests) {
  return (iterations) => {
    for (let index = 0; index < iterations; index += 1) ipKeyGenerator(requests[index & 63].ip, 56);
  };
}

const report = openReport('client-key', {
  about: 'Finding who a request is from by each rule, and counting one hit, CPU and wall time.',
  packages: ['express-rate-limit', 'proxy-addr'],
  rounds: 30,
  quickRounds: 9,
});
const add = report.group('rule', {
  title: 'Finding the client and counting one hit',
  subjects: { carapace: 'carapace, with the hit', peer: 'express-rate-limit, its key alone' },
  note: 'express-rate-limit finds its key here and counts nothing: only the rules that it has are compared.',
});
const results = interleave(report.rounds, subjects);
const PEER_OF = {
  'hops: 1, IPv4': 'express-rate-limit, key only, IPv4',
  'hops: 1, IPv6': 'express-rate-limit, key only, IPv6',
  "Express's hops: 1": 'express-rate-limit, key only, IPv4',
};
for (const [title, carapace] of Object.entries(results)) {
  if (title.startsWith('express-rate-limit')) continue;
  add(title, { carapace, peer: results[PEER_OF[title]] });
}
report.finish();
