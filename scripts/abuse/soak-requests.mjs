// What the soak's clients ask for, and what may come back.

/**
 * @typedef {object} Request
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} [headers]
 * @property {string} [body]
 * @property {number[]} expected the statuses that may come
 * @property {(text: string, headers: import('node:http').IncomingHttpHeaders) => boolean} [holds] what must hold of a 2xx
 * @typedef {ReturnType<typeof import('./random.mjs').createRandom>} Random
 */

const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };
/** Of these every part does its work for most clients; the few of one address are limited as well. */
const LIMITED = 429;

const nonces = new Set();

/** @param {string} text */
function isFreshNonce(text, headers) {
  const nonce = /nonce="([^"]+)"/.exec(text)?.[1];
  const isFresh = nonce !== undefined && !nonces.has(nonce);
  if (nonces.size > 1_000) nonces.clear();
  nonces.add(nonce);
  return isFresh && String(headers['content-security-policy']).includes(`'nonce-${nonce}'`);
}

/** @param {Random} random @returns {Request} */
const page = () => ({ method: 'GET', path: '/', expected: [200], holds: isFreshNonce });

/** @param {Random} random @returns {Request} */
const search = (random) => ({
  method: 'GET',
  path: `/search?q=${random.below(1000)}&page=1&page=2&tags[]=a&tags[]=b`,
  headers: {
    origin: random.pick(['https://app.example.com', 'https://a.preview.example.com', 'https://evil.example']),
  },
  expected: [200],
  holds: (text) => JSON.parse(text).page === '2',
});

const pollutedQuery = () => ({
  method: 'GET',
  path: '/search?user[$gt]=&__proto__[x]=1&constructor[prototype][y]=2&ok=1',
  expected: [200],
  holds: (text) => text === '{"user":{},"ok":"1"}',
});

const reported = () => ({ method: 'GET', path: '/report?user[$gt]=1', expected: [200] });

/** @param {Random} random @returns {Request} */
const note = (random) => ({
  method: 'POST',
  path: `/notes/${random.below(100)}`,
  headers: JSON_TYPE,
  body: JSON.stringify({ text: 'x'.repeat(random.below(4000)), tags: [1, 2, 3], deep: { a: { b: null } } }),
  expected: [201],
  holds: (text) => text.includes('"deep"'),
});

const pollutedNote = () => ({
  method: 'POST',
  path: '/notes/1',
  headers: JSON_TYPE,
  body: '{"user":{"$gt":""},"__proto__":{"admin":true},"con\\u0073tructor":{"prototype":{}},"inner":"{\\"$x\\":1}"}',
  expected: [201],
  holds: (text) => !/\$gt|\$x|proto/.test(text),
});

/** @param {Random} random @returns {Request} */
const form = (random) => ({
  method: 'POST',
  path: '/notes/form',
  headers: FORM_TYPE,
  body: `name=${'y'.repeat(random.below(500))}&role=user&role=admin&a[b][c]=1&a[$ne]=2`,
  expected: [201],
  holds: (text) => text.includes('"role":"admin"') && !text.includes('$ne'),
});

/** @param {Random} random @returns {Request} */
const malformed = (random) => ({
  method: 'POST',
  path: '/notes/2',
  headers: JSON_TYPE,
  body: random.pick(['{"a":1,"a":2}', '{"a":', `${'['.repeat(500)}`, '{"a\\u0000":1}']),
  expected: [400],
});

const oversized = () => ({
  method: 'POST',
  path: '/notes/3',
  headers: { ...JSON_TYPE, connection: 'close' },
  body: JSON.stringify({ text: 'x'.repeat(20_000) }),
  expected: [413],
});

/** @param {Random} random @returns {Request} */
const preflight = (random) => ({
  method: 'OPTIONS',
  path: '/notes/4',
  headers: {
    origin: random.pick(['https://app.example.com', `https://pr-${random.below(99)}.example.com`]),
    'access-control-request-method': 'POST',
  },
  expected: [204],
  holds: (text, headers) => headers['access-control-allow-origin'] !== undefined,
});

/** @param {Random} random @returns {Request} */
const login = (random) => ({
  method: 'POST',
  path: '/login',
  headers: JSON_TYPE,
  body: JSON.stringify({
    email: `user-${random.below(2000)}@example.com`,
    password: random.pick(['right', 'wrong', 'guess']),
  }),
  expected: [204, 401, LIMITED],
  holds: (text, headers) => /Secure/i.test(String(headers['set-cookie'])),
});

const invalidLogin = () => ({
  method: 'POST',
  path: '/login',
  headers: JSON_TYPE,
  body: '{"email":"nobody","password":{"$ne":null},"role":"admin"}',
  expected: [400, LIMITED],
});

const failing = () => ({ method: 'GET', path: '/fails', expected: [500] });
const metrics = () => ({
  method: 'GET',
  path: '/metrics',
  expected: [200],
  holds: (text) => text.includes('carapace_requests_total'),
});

const KINDS = [
  ...[page, page, page, search, search, search, note, note, note, form, form],
  ...[pollutedQuery, pollutedNote, reported, malformed, oversized, preflight, login, login, invalidLogin],
];
const RARE = [failing, metrics];

/** @param {Random} random @returns {Request} */
export function makeRequest(random) {
  const request = (random.chance(0.01) ? random.pick(RARE) : random.pick(KINDS))(random);
  // A twentieth comes from one address, which is over its limits all the time.
  const isGreedy = random.chance(0.05);
  const address = isGreedy
    ? '198.51.100.1'
    : `2001:db8:${random.below(65_536).toString(16)}:${(random.below(256) << 8).toString(16)}::1`;
  const { headers, expected } = request;
  return {
    ...request,
    headers: { ...headers, 'x-forwarded-for': `9.9.9.9, ${address}`, 'x-forwarded-proto': 'https' },
    expected: isGreedy ? [...expected, LIMITED] : expected,
  };
}
