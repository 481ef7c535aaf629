'use strict';

const assert = require('node:assert/strict');
const { ServerResponse } = require('node:http');
const { describe, it } = require('node:test');
const fc = require('fast-check');
const { cookies } = require('..');

const RANK = { undefined: 0, none: 0, lax: 1, strict: 2 };

/** What a browser stores of a line (RFC 6265bis, sections 5.6 and 5.7, and the prefixes for HttpOnly); undefined: nothing. */
function store(line) {
  const semicolon = line.indexOf(';');
  const pair = semicolon === -1 ? line : line.slice(0, semicolon);
  let rest = semicolon === -1 ? '' : line.slice(semicolon);
  const [name, value] = pair.includes('=') ? cut(pair) : ['', strip(pair)];
  if (name === '' && value === '') return undefined;
  const cookie = { name, value, httpOnly: false, secure: false, sameSite: undefined };
  while (rest !== '') {
    rest = rest.slice(1);
    const end = rest.includes(';') ? rest.indexOf(';') : rest.length;
    const text = rest.slice(0, end);
    rest = rest.slice(end);
    const [attribute, content] = text.includes('=') ? cut(text) : [strip(text), ''];
    apply(cookie, attribute.toLowerCase(), content);
  }
  return isRefused(cookie) ? undefined : cookie;
}

function apply(cookie, attribute, content) {
  if (attribute === 'httponly') cookie.httpOnly = true;
  if (attribute === 'secure') cookie.secure = true;
  if (attribute === 'partitioned') cookie.partitioned = true;
  if (attribute === 'path') [cookie.path, cookie.hasPath] = [content.startsWith('/') ? content : undefined, true];
  if (attribute === 'domain') cookie.domain = content === '' ? undefined : content;
  if (attribute === 'max-age' && /^-?\d+$/.test(content)) cookie.maxAge = Number(content);
  if (attribute === 'samesite') {
    const word = content.toLowerCase();
    cookie.sameSite = ['strict', 'lax', 'none'].includes(word) ? word : undefined;
  }
}

function isRefused({ name, value, httpOnly, secure, sameSite, partitioned, domain, path }) {
  if ((sameSite === 'none' || partitioned) && !secure) return true;
  if (/^__secure-/i.test(name) && !secure) return true;
  if (/^__(host-)?http-/i.test(name) && !(secure && httpOnly)) return true;
  if (/^__host-/i.test(name) && (!secure || domain !== undefined || path !== '/')) return true;
  return name === '' && /^__(host|secure|http)-/i.test(value);
}

function cut(text) {
  const equals = text.indexOf('=');
  return [strip(text.slice(0, equals)), strip(text.slice(equals + 1))];
}

function strip(text) {
  return text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '');
}

/** What leaves in the place of a line. */
function through(options, line, encrypted = false) {
  const request = { method: 'GET', headers: {}, httpVersionMajor: 1, httpVersionMinor: 1, socket: { encrypted } };
  const response = new ServerResponse(/** @type {any} */ (request));
  cookies(options)(request, response, () => {});
  response.setHeader('set-cookie', [line]);
  response.writeHead(200);
  return response.getHeader('set-cookie')?.[0];
}

const blank = fc.constantFrom('', '', ' ', '\t', '  ');
const word = fc.stringMatching(/^[ -~\u00a0-\u00ff]{0,8}$/);
const attribute = fc.oneof(
  fc.constantFrom(
    'HttpOnly',
    'httponly=x',
    'Secure',
    'SECURE=',
    'Partitioned',
    'Path=/',
    'Path=/a',
    'Path=',
    'path=a',
    'Domain=a.example',
    'Domain=',
  ),
  fc.constantFrom(
    'SameSite=None',
    'SameSite=Lax',
    'samesite=STRICT',
    'SameSite',
    'SameSite=x',
    'SameSite =Lax',
    'SameSite= none ',
  ),
  fc.constantFrom('Max-Age=5', 'max-age=-1', 'Max-Age=x', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT'),
  word,
);
const name = fc.oneof(word, fc.constantFrom('', '__Host-a', '__secure-a', '__HOST-HTTP-a', '__Http-a', '__host'));
const line = fc
  .tuple(
    blank,
    name,
    fc.constantFrom('=', '=', '=', ' = ', ''),
    word,
    fc.array(fc.tuple(blank, attribute, blank), { maxLength: 6 }),
  )
  .map(
    ([space, name, equals, value, rest]) =>
      `${space}${name}${equals}${value}${rest.map((parts) => `;${parts.join('')}`).join('')}`,
  );

// The same lines on each run, so that a change is red for what it changed.
const runs = { numRuns: 3000, seed: 20261120 };

describe('of any line', () => {
  it('what a browser stores has the flags of the policy, and is no weaker than it was', () => {
    fc.assert(
      fc.property(line, fc.boolean(), fc.constantFrom('lax', 'strict', 'none'), (line, encrypted, sameSite) => {
        const [before, after] = [store(line), store(through({ sameSite }, line, encrypted) ?? '')];
        // A browser that would have taken it takes it still.
        assert.ok(before === undefined || after !== undefined);
        if (after === undefined) return;
        assert.ok(after.httpOnly);
        assert.ok(after.secure || !encrypted);
        assert.ok(after.sameSite !== undefined && RANK[after.sameSite] >= RANK[sameSite]);
        if (before === undefined) return;
        assert.deepEqual([after.name, after.value, after.maxAge], [before.name, before.value, before.maxAge]);
        assert.deepEqual([after.path, after.domain], [before.path, before.domain]);
        assert.ok(after.secure || !before.secure);
        assert.ok(RANK[after.sameSite] >= RANK[before.sameSite]);
      }),
      runs,
    );
  });

  it('one look is enough: what leaves is left alone by a second one', () => {
    fc.assert(
      fc.property(line, fc.boolean(), fc.boolean(), (line, encrypted, partitioned) => {
        const options = { partitioned, maxAgeMs: 1000 };
        const once = through(options, line, encrypted);
        if (once !== undefined) assert.equal(through(options, once, encrypted), once);
      }),
      runs,
    );
  });

  it('report mode sends it as it came', () => {
    fc.assert(
      fc.property(line, (line) => assert.equal(through({ mode: 'report', sameSite: 'strict' }, line), line)),
      runs,
    );
  });
});
