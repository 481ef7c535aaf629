// What security headers cost a response, against helmet and against a hand-written loop, on real ServerResponse objects.
// Two stages: the middleware alone, and until the head is written, where the hook that takes headers away runs too.
// "cpu ns added" is what a stage costs beyond a response without the middleware, in CPU time, which a busy machine does not
// stretch; it holds Node's own work of writing the
// twelve lines, which is the same for all. The budget is about the library's own work, so it takes that off: the
// hand-written twin shows how much it is. Prints tables and one line of JSON; exits with 1 when over budget.
import http from 'node:http';
import helmet from 'helmet';
import { interleave, machine, printTable } from './harness.mjs';
import headers from '../lib/security-headers.js';

const { securityHeaders } = headers;
const BUDGET = 0.7;
const rounds = Number(process.argv[2] ?? 41);

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

const report = { benchmark: 'security-headers', machine: machine(), rounds, results: {} };
for (const [set, middlewares] of Object.entries(SETS)) {
  for (const isHeadWritten of [true, false]) {
    const title = `${set}, ${isHeadWritten ? 'until the head is written' : 'the middleware alone'}`;
    const entries = Object.entries(middlewares);
    const results = interleave(
      rounds,
      Object.fromEntries(entries.map(([name, middleware]) => [name, subject(middleware, isHeadWritten)])),
    );
    report.results[title] = show(title, results);
  }
}
report.budget = { limit: BUDGET, ...ownWork(report.results) };
console.log(`\nthe library's own work with default settings: ${report.budget.ratio} of helmet, allowed ${BUDGET}`);
console.log(`\n${JSON.stringify(report)}`);
if (report.budget.ratio > BUDGET) {
  console.error(`over budget: ${report.budget.ratio} of helmet, allowed ${BUDGET}`);
  process.exitCode = 1;
}

/** The default settings from the middleware to the written head, without Node's writing of the lines. */
function ownWork(results) {
  const alone = results['defaults, the middleware alone'];
  const whole = results['defaults, until the head is written'];
  const added = (stage, name) => stage[name].cpu - stage.none.cpu;
  const writing = added(whole, 'plain JS by hand') - added(alone, 'plain JS by hand');
  const carapace = added(whole, 'carapace') - writing;
  const helmet = added(whole, 'helmet') - writing;
  return { carapaceNs: carapace, helmetNs: helmet, writingNs: writing, ratio: Number((carapace / helmet).toFixed(3)) };
}

function show(title, results) {
  const base = results.none.cpu;
  const helmetCost = results.helmet.cpu - base;
  const rows = Object.entries(results).map(([name, { median, low, high, cpu }]) => ({
    subject: name,
    'ns total': Math.round(median),
    'p10–p90': `${Math.round(low)}–${Math.round(high)}`,
    'cpu ns': Math.round(cpu),
    'cpu ns added': Math.round(cpu - base),
    'of helmet': ((cpu - base) / helmetCost).toFixed(2),
  }));
  printTable(title, rows);
  return Object.fromEntries(
    Object.entries(results).map(([name, result]) => [
      name,
      {
        ...Object.fromEntries(Object.entries(result).map(([key, value]) => [key, Math.round(value)])),
        ratio: Number(((result.cpu - base) / helmetCost).toFixed(3)),
      },
    ]),
  );
}
