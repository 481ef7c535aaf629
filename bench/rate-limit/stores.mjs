// The stores alone: the core's, and two in plain JavaScript.
import { isIPv4 } from 'node:net';
import native from '../../lib/loader.js';
import { KEYS, LIMIT, MILLION, WINDOW_MS, address } from './settings.mjs';

/** A connection's address is one string for all its requests; a header's is a new one each time. */
const known = Array.from({ length: KEYS * 10 }, (_, index) => address(index));
export const KEY_KINDS = {
  fresh: (count) => address(count % (KEYS * 10)),
  known: (count) => known[count % (KEYS * 10)],
};

export function mapStore() {
  const clients = new Map();
  return function hit(key, now) {
    let client = clients.get(key);
    if (client === undefined) clients.set(key, (client = { hits: 0, end: now + WINDOW_MS }));
    else if (client.end <= now) [client.hits, client.end] = [0, now + WINDOW_MS];
    client.hits += 1;
    return client;
  };
}

/**
 * The same work in plain JavaScript: a canonical key, a sliding window counter, a bound, and all that a decision tells. An
 * IPv6 address, which takes more, does not come here.
 */
function twinStore(maxKeys) {
  const clients = new Map();
  const out = new Float64Array(8);
  function hit(key, now) {
    const name = isIPv4(key) ? key : key.toLowerCase();
    let client = clients.get(name);
    if (client === undefined) {
      if (clients.size >= maxKeys) clients.delete(clients.keys().next().value);
      clients.set(name, (client = { start: now, current: 0, previous: 0 }));
    }
    const age = now - client.start;
    if (age >= WINDOW_MS) {
      client.previous = age < 2 * WINDOW_MS ? client.current : 0;
      client.current = 0;
      client.start += WINDOW_MS * Math.floor(age / WINDOW_MS);
    }
    const weight = (WINDOW_MS - (now - client.start)) / WINDOW_MS;
    const before = Math.ceil(client.previous * weight) + client.current;
    const isAllowed = before + 1 <= LIMIT;
    if (isAllowed) client.current += 1;
    const used = before + (isAllowed ? 1 : 0);
    out[0] = isAllowed ? 1 : 0;
    out[1] = used;
    out[2] = LIMIT - used;
    out[3] = client.start + 2 * WINDOW_MS;
    out[4] = isAllowed ? 0 : client.start + WINDOW_MS - now;
    out[5] = 0;
    out[6] = LIMIT;
    out[7] = 0;
    return isAllowed ? 1 : 0;
  }
  return Object.assign(hit, { out });
}

export function storeSubjects(keyOf) {
  const hitMap = mapStore();
  const twin = twinStore(MILLION);
  const { hit } = native.createRateLimiter(
    { policies: [{ limit: LIMIT, windowMs: WINDOW_MS }] },
    native.ClientRules.compile({}),
  );
  // Keeps the work from being optimized away.
  const sink = { sum: 0 };
  return {
    none: (iterations) => {
      for (let count = 0; count < iterations; count += 1) sink.sum += keyOf(count).length + Date.now();
    },
    'a Map, fixed window, key as it is': (iterations) => {
      for (let count = 0; count < iterations; count += 1) sink.sum += hitMap(keyOf(count), Date.now()).hits;
    },
    'a Map doing the same': (iterations) => {
      for (let count = 0; count < iterations; count += 1) {
        twin(keyOf(count), Date.now());
        sink.sum += twin.out[1];
      }
    },
    carapace: (iterations) => {
      for (let count = 0; count < iterations; count += 1) {
        hit(keyOf(count), '', Date.now());
        sink.sum += hit.out[1];
      }
    },
  };
}
