// What CORS costs a request, against the cors package and against what a careful app would write by hand, on real ServerResponse
// objects. What counts is what a middleware adds to a response without it, in CPU time, which a busy machine does not stretch. The
// flags are in bench/harness/report.mjs, the budgets in bench/budgets.json.
import http from 'node:http';
import peer from 'cors';
import { interleave } from './harness.mjs';
import { openReport } from './harness/report.mjs';
import dropIn from '../compat/cors.js';
import carapace from '../lib/cors.js';

const { cors } = carapace;

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

const ROLES = { cors: 'peer', 'carapace/cors': 'dropIn', 'plain JS by hand': 'twin' };
const report = openReport('cors', {
  about: 'What CORS adds to a response, in CPU time.',
  packages: ['cors'],
  rounds: 21,
  quickRounds: 7,
});
const add = report.group('request', {
  title: 'What CORS adds to a response, CPU time',
  by: 'added',
  subjects: { peer: 'cors', carapace: 'carapace', dropIn: 'carapace/cors', twin: 'plain JS by hand' },
});
for (const [title, [method, headers, middlewares]] of Object.entries(SETS)) {
  if (!report.isWanted(title)) continue;
  const ending = (_request, response, next) => (method === 'OPTIONS' ? response.end() : next());
  const subjects = Object.entries({ none: ending, ...middlewares });
  const results = interleave(
    report.rounds,
    Object.fromEntries(subjects.map(([name, middleware]) => [name, subject(middleware, method, headers)])),
  );
  const measured = Object.entries(results).map(([name, result]) => [
    ROLES[name] ?? name,
    { ...result, added: result.cpu - results.none.cpu },
  ]);
  add(title, Object.fromEntries(measured));
}
report.finish();
