// What security headers cost a response, against helmet and against a hand-written loop, on real ServerResponse objects.
// Two stages: the middleware alone, and until the head is written, where the hook that takes headers away runs too.
// What counts is what a stage adds to a response without the middleware, in CPU time, which a busy machine does not
// stretch; it holds Node's own work of writing the twelve lines, which is the same for all. The library's own work is
// without that: the hand-written twin shows how much it is. The flags are in bench/harness/report.mjs, the budgets in bench/budgets.json.
import http from 'node:http';
import helmet from 'helmet';
import { interleave } from './harness.mjs';
import { openReport } from './harness/report.mjs';
import headers from '../lib/security-headers.js';

const { securityHeaders } = headers;

const request = { method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1, headers: {}, socket: { encrypted: true } };
const next = () => {};

/** The twelve headers of the default settings, as a careful app would set them by hand. */
const FIXED = Object.freeze(
  Object.entries({
    'content-security-policy':
      "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';" +
      "img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';" +
      "style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'origin-agent-cluster': '?1',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-dns-prefetch-control': 'off',
    'x-download-options': 'noopen',
    'x-frame-options': 'SAMEORIGIN',
    'x-permitted-cross-domain-policies': 'none',
    'x-xss-protection': '0',
  }).flat(),
);

function byHand(_request, response, done) {
  for (let index = 0; index < FIXED.length; index += 2) response.setHeader(FIXED[index], FIXED[index + 1]);
  response.removeHeader('x-powered-by');
  done();
}

const nonceInHelmet = helmet({
  contentSecurityPolicy: { directives: { scriptSrc: ["'self'", (_, response) => `'nonce-${response.locals.nonce}'`] } },
});
const { randomBytes } = await import('node:crypto');

const SETS = {
  defaults: {
    none: (_request, _response, done) => done(),
    helmet: helmet(),
    carapace: securityHeaders(),
    'plain JS by hand': byHand,
  },
  'a nonce for each response': {
    none: (_request, _response, done) => done(),
    helmet: (incoming, response, done) => {
      response.locals = { nonce: randomBytes(18).toString('base64') };
      nonceInHelmet(incoming, response, done);
    },
    carapace: securityHeaders({ contentSecurityPolicy: { nonce: true } }),
  },
  "the preset 'strict'": {
    none: (_request, _response, done) => done(),
    helmet: helmet(),
    carapace: securityHeaders({ preset: 'strict' }),
  },
};

/** As in Express: `X-Powered-By` is there before the middleware, and the head is written after it. */
function subject(middleware, isHeadWritten) {
  return function run(iterations) {
    for (let count = 0; count < iterations; count += 1) {
      const response = new http.ServerResponse(request);
      response.setHeader('X-Powered-By', 'Express');
      middleware(request, response, next);
      if (isHeadWritten) response.writeHead(200);
    }
  };
}

const SUBJECTS = { peer: 'helmet', carapace: 'carapace', twin: 'plain JS by hand' };
const ROLES = { helmet: 'peer', 'plain JS by hand': 'twin' };
const report = openReport('security-headers', {
  about: 'What the security headers add to a response, in CPU time.',
  packages: ['helmet'],
  rounds: 41,
  quickRounds: 11,
});
const STAGES = {
  alone: ['the middleware alone', false],
  whole: ['until the head is written', true],
};
const added = {};
for (const [key, [stage, isHeadWritten]] of Object.entries(STAGES)) {
  const add = report.group(key, {
    title: `Security headers, ${stage}: CPU time added`,
    by: 'added',
    subjects: SUBJECTS,
  });
  for (const [set, middlewares] of Object.entries(SETS)) {
    const results = interleave(
      report.rounds,
      Object.fromEntries(
        Object.entries(middlewares).map(([name, middleware]) => [name, subject(middleware, isHeadWritten)]),
      ),
    );
    const measured = Object.entries(results).map(([name, result]) => [
      ROLES[name] ?? name,
      { ...result, added: result.cpu - results.none.cpu },
    ]);
    add(set, Object.fromEntries(measured));
    if (set === 'defaults') added[key] = Object.fromEntries(measured);
  }
}
addOwnWork();
report.finish();

/** The default settings from the middleware to the written head, without Node's writing of the lines. */
function addOwnWork() {
  const add = report.group('own', {
    title: "The library's own work until the head is written, without Node's writing of the lines: CPU time",
    by: 'own',
    subjects: { peer: 'helmet', carapace: 'carapace' },
    note: 'What the hand-written loop adds between the two stages is taken off everybody.',
  });
  const writing = added.whole.twin.added - added.alone.twin.added;
  const own = (role) => ({ ...added.whole[role], own: added.whole[role].added - writing });
  add('defaults', { peer: own('peer'), carapace: own('carapace') });
}
