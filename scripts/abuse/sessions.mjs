// What one connection sends: requests out of parts that are right, odd or wrong, cut into chunks that go out slowly or at once.

/**
 * @typedef {object} Session
 * @property {string} name what is wrong with it
 * @property {number} requests answers that may come at the most
 * @property {Buffer[]} chunks
 * @property {number} pauseMs between chunks
 * @property {boolean} isHalfOpen whether the client goes on waiting without closing its half
 * @property {'end' | 'reset'} closes
 * @typedef {ReturnType<typeof import('./random.mjs').createRandom>} Random
 */

const PATHS = [
  '/',
  '/login',
  '//login',
  '/%6cogin',
  '/a/../b',
  '/a%00b',
  '/%ff%fe',
  '/%',
  '*',
  '/a;b=c',
  `/${'x'.repeat(2000)}`,
];
const QUERIES = [
  '',
  '?a=1&b=2',
  '?user[$gt]=',
  '?__proto__[x]=1',
  '?constructor[prototype][y]=2',
  '?a[b][c][d][e][f][g][h]=1',
  `?${'a&'.repeat(3000)}`,
  '?a=%ZZ&%E0%A4%A=1',
  `?${Array.from({ length: 200 }, (_, index) => `a[${index}]=1`).join('&')}`,
  '?role=user&role=admin&ro%6ce=root',
];
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'get', 'G\u0000T', 'TRACE'];
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-7',
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded; charset=iso-8859-1',
  'text/plain',
  'application/vnd.api+json',
  ';;;',
  'multipart/form-data; boundary=x',
];
const BODIES = [
  '{"a":1,"b":[1,2,3]}',
  '{"user":{"$gt":""},"__proto__":{"admin":true}}',
  '{"\\u005f\\u005fproto\\u005f\\u005f":{"x":1}}',
  '{"a.$where":"1","role":"user","role":"admin"}',
  '['.repeat(5000),
  `{"a":${'9'.repeat(3000)}}`,
  '{"a":1}{"b":2}',
  '{"a":"\\ud800"}',
  'user[$ne]=1&a=b&a=c',
  'a[__proto__][x]=1&constructor[prototype][y]=1',
  'a=%',
  '',
  '\ufeff{"a":1}',
  `{"k":"${'v'.repeat(20_000)}"}`,
  `{${Array.from({ length: 900 }, (_, index) => `"k${index}":1`).join(',')}}`,
];
// Of these none ends the connection for its size.
const SMALL_BODIES = BODIES.filter((body) => body.length < 10_000);
const FIELDS = [
  'X-Forwarded-For: 9.9.9.9, 10.0.0.1',
  'X-Forwarded-For: ,,,,,,,,',
  'X-Forwarded-Proto: https',
  'Forwarded: for="[2001:db8::1]:4711"',
  'Origin: https://evil.example',
  'Cookie: a=b; __Host-x=1',
  'Content-Encoding: gzip',
  'Content-Encoding: br, gzip',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Connection: close',
  'Connection: upgrade\r\nUpgrade: websocket',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Content-Length: 5',
  'Accept: text/html',
  `X-Long: ${'y'.repeat(9000)}`,
  'Bad Name: x',
  'X-Bad: a\u0000b',
  'X-Folded: a\r\n b',
];

/** @param {Random} random @returns {Session} */
export function makeSession(random) {
  const kind = random.pick(KINDS);
  return { isHalfOpen: false, closes: 'end', pauseMs: 0, ...kind(random) };
}

/** @type {((random: Random) => Omit<Session, 'isHalfOpen' | 'closes' | 'pauseMs'> & Partial<Session>)[]} */
const KINDS = [pipelined, pipelined, pipelined, mixed, mixed, split, slow, garbage, mutated, torn, unfinished, chunked];

/** Many right requests at once. */
function pipelined(random) {
  const requests = 20 + random.below(180);
  const texts = Array.from({ length: requests }, () => rightRequest(random, SMALL_BODIES));
  return { name: 'pipelined', requests, chunks: [Buffer.concat(texts)] };
}

/** Right and odd requests after one another. */
function mixed(random) {
  const requests = 1 + random.below(20);
  const texts = Array.from({ length: requests }, () =>
    random.chance(0.5) ? rightRequest(random) : oddRequest(random),
  );
  return { name: 'mixed', requests, chunks: [Buffer.concat(texts)] };
}

function split(random) {
  const requests = 1 + random.below(5);
  const text = Buffer.concat(
    Array.from({ length: requests }, () => (random.chance(0.7) ? rightRequest(random) : oddRequest(random))),
  );
  return { name: 'split', requests, chunks: cut(random, text, 1 + random.below(40)) };
}

function slow(random) {
  return {
    name: 'slow',
    requests: 1,
    chunks: cut(random, rightRequest(random), 2 + random.below(6)),
    pauseMs: 1 + random.below(20),
  };
}

function garbage(random) {
  return { name: 'garbage', requests: 1, chunks: [random.bytes(1 + random.below(3000))] };
}

/** A right request of which some bytes are others. */
function mutated(random) {
  const requests = 1 + random.below(4);
  const text = Buffer.concat(Array.from({ length: requests }, () => rightRequest(random)));
  for (let count = 1 + random.below(4); count > 0; count -= 1) text[random.below(text.length)] = random.below(256);
  // A changed length may make several requests of one.
  return { name: 'mutated', requests: requests * 4 + 8, chunks: [text] };
}

/** A client that goes away in the middle. */
function torn(random) {
  const text = random.chance(0.5) ? rightRequest(random) : oddRequest(random);
  return { name: 'torn', requests: 1, chunks: [text.subarray(0, 1 + random.below(text.length))], closes: 'reset' };
}

/** A request that never ends, on a connection that stays open: the server's time limits end it. */
function unfinished(random) {
  const text = rightRequest(random);
  const isRare = !random.chance(0.02);
  return {
    name: 'unfinished',
    requests: 1,
    chunks: [text.subarray(0, text.length - 1 - random.below(3))],
    isHalfOpen: !isRare,
  };
}

function chunked(random) {
  const body = Buffer.from(random.pick(BODIES));
  const pieces = cut(random, body, 1 + random.below(8)).map((piece) =>
    Buffer.concat([
      Buffer.from(`${piece.length.toString(16)}${random.chance(0.1) ? ';x=y' : ''}\r\n`),
      piece,
      Buffer.from('\r\n'),
    ]),
  );
  const end = random.chance(0.9) ? '0\r\n\r\n' : random.pick(['0\r\nX-Trailer: a\r\n\r\n', 'zz\r\n', '-1\r\n\r\n']);
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${random.pick(TYPES)}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  return { name: 'chunked', requests: 2, chunks: [Buffer.from(head), ...pieces, Buffer.from(end)] };
}

/** @param {Random} random @param {string[]} [bodies] */
function rightRequest(random, bodies = BODIES) {
  if (random.chance(0.5)) {
    return Buffer.from(
      `GET ${random.pick(PATHS.slice(0, 5))}${random.pick(QUERIES)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      'latin1',
    );
  }
  const body = Buffer.from(random.pick(bodies));
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${random.pick(TYPES)}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** @param {Random} random */
function oddRequest(random) {
  const fields = Array.from({ length: random.below(6) }, () => random.pick(FIELDS));
  const body = random.chance(0.5) ? Buffer.from(random.pick(BODIES)) : Buffer.alloc(0);
  if (random.chance(0.8) && body.length > 0) {
    fields.push(`Content-Length: ${body.length}`, `Content-Type: ${random.pick(TYPES)}`);
  }
  if (random.chance(0.95)) fields.unshift('Host: a');
  const version = random.pick(['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9']);
  const line = `${random.pick(METHODS)} ${random.pick(PATHS)}${random.pick(QUERIES)} ${version}`;
  return Buffer.concat([Buffer.from(`${[line, ...fields].join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

/** @param {Random} random @param {Buffer} text @param {number} pieces */
function cut(random, text, pieces) {
  const places = Array.from({ length: pieces - 1 }, () => random.below(text.length)).sort((one, other) => one - other);
  return [0, ...places]
    .map((place, index) => text.subarray(place, places[index] ?? text.length))
    .filter((piece) => piece.length > 0);
}
