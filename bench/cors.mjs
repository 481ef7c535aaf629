// What CORS costs a request, against the cors package and against what a careful app would write by hand, on real ServerResponse
// objects. "cpu ns added" is what a middleware costs beyond a response without it, in CPU time, which a busy machine does
// not stretch. Prints tables and one line of JSON; exits with 1 when a set is over the budget.
import http from 'node:http';
import peer from 'cors';
import { interleave, machine, printTable } from './harness.mjs';
import dropIn from '../compat/cors.js';
import carapace from '../lib/cors.js';

const { cors } = carapace;
const BUDGET = 1;
const rounds = Number(process.argv[2] ?? 21);

const ORIGIN = 'https://app.example.com';
const OTHERS = Array.from({ length: 9 }, (_, index) => `https://site-${index}.example.org`);
const PATTERN = /^https:\/\/[a-z]+\.example\.com$/;
const ASK = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'content-type,x-one' };

/** A list by hand, with a set, and Vary always. */
function byHand(isAllowed) {
  return function twin(request, response, next) {
    const { origin } = request.headers;
    const isAsking =
      request.method === 'OPTIONS' &&
      request.headers['access-control-request-method'] !== undefined &&
      origin !== undefined;
    const vary = response.getHeader('vary');
    response.setHeader('vary', vary === undefined ? 'Origin' : `${vary}, Origin`);
    if (origin !== undefined && isAllowed(origin)) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-allow-credentials', 'true');
      if (isAsking) {
        response.setHeader('access-control-allow-methods', 'GET,HEAD,PUT,PATCH,POST,DELETE');
        response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '');
      }
    }
    if (!isAsking) return next();
    response.statusCode = 204;
    response.setHeader('content-length', '0');
    response.end();
  };
}

const listed = new Set([...OTHERS, ORIGIN]);
const LIST = { origin: [...OTHERS, ORIGIN], credentials: true };
const list = {
  cors: peer(LIST),
  carapace: cors(LIST),
  'carapace/cors': dropIn(LIST),
  'plain JS by hand': byHand((origin) => listed.has(origin)),
};
const pattern = {
  cors: peer({ origin: [...OTHERS, PATTERN], credentials: true }),
  carapace: cors({ origin: [...OTHERS, PATTERN], credentials: true }),
  'plain JS by hand': byHand((origin) => listed.has(origin) || PATTERN.test(origin)),
};
const wildcard = {
  cors: peer({ origin: [...OTHERS, /^https:\/\/(?:[\w-]+\.)+example\.com$/], credentials: true }),
  carapace: cors({ origin: [...OTHERS, 'https://*.example.com'], credentials: true }),
  'plain JS by hand': byHand(
    (origin) => listed.has(origin) || (origin.startsWith('https://') && origin.endsWith('.example.com')),
  ),
};
const asked = {
  cors: peer({ origin: (origin, callback) => callback(null, listed.has(origin)), credentials: true }),
  carapace: cors({ origin: (origin) => listed.has(origin), credentials: true }),
  'plain JS by hand': list['plain JS by hand'],
};
const anybody = { cors: peer(), carapace: cors(), 'carapace/cors': dropIn() };

const SETS = {
  'a GET from a listed origin': ['GET', { origin: ORIGIN }, list],
  'a GET from a stranger': ['GET', { origin: 'https://evil.example' }, list],
  'a GET without Origin': ['GET', {}, list],
  'a GET by a pattern': ['GET', { origin: ORIGIN }, pattern],
  'a GET by a wildcard': ['GET', { origin: ORIGIN }, wildcard],
  'a GET by a function': ['GET', { origin: ORIGIN }, asked],
  'a GET that everybody may read': ['GET', { origin: ORIGIN }, anybody],
  'a preflight': ['OPTIONS', { origin: ORIGIN, ...ASK }, list],
};

function subject(middleware, method, headers) {
  const request = { method, headers, httpVersionMajor: 1, httpVersionMinor: 1 };
  const next = () => {};
  return function run(iterations) {
    for (let count = 0; count < iterations; count += 1) middleware(request, new http.ServerResponse(request), next);
  };
}

const report = { benchmark: 'cors', machine: machine(), rounds, budget: BUDGET, results: {} };
for (const [title, [method, headers, middlewares]] of Object.entries(SETS)) {
  const ending = (_request, response, next) => (method === 'OPTIONS' ? response.end() : next());
  const subjects = Object.entries({ none: ending, ...middlewares });
  const results = interleave(
    rounds,
    Object.fromEntries(subjects.map(([name, middleware]) => [name, subject(middleware, method, headers)])),
  );
  const added = (name) => results[name].cpu - results.none.cpu;
  const rows = Object.entries(results).map(([name, { median, low, high, cpu }]) => ({
    subject: name,
    'ns total': Math.round(median),
    'p10–p90': `${Math.round(low)}–${Math.round(high)}`,
    'cpu ns': Math.round(cpu),
    'cpu ns added': Math.round(added(name)),
    'of cors': (added(name) / added('cors')).toFixed(2),
  }));
  printTable(title, rows);
  report.results[title] = Object.fromEntries(
    Object.keys(results).map((name) => [
      name,
      { addedNs: Math.round(added(name)), ratio: Number((added(name) / added('cors')).toFixed(3)) },
    ]),
  );
  if (added('carapace') > BUDGET * added('cors')) {
    console.error(`over budget: ${title}`);
    process.exitCode = 1;
  }
}
console.log(`\n${JSON.stringify(report)}`);
