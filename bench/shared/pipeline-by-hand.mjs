// The same chain as somebody would write it who has one app, knows it well and wants it quick: one middleware in plain JavaScript. It is
// what is left of the gain when nothing is native; it does less (no limits of depth or counts, no decoding of addresses, no duplicate
// keys), and its table of clients is not bounded.
import { STATUS_CODES } from 'node:http';
import helmet from 'helmet';

const MAX_BYTES = 100 * 1024;

export function byHand({ origin, limit, windowMs }) {
  const headers = headersOfHelmet();
  const origins = new Set(origin);
  const clients = new Map();

  return function byHand(request, response, next) {
    for (let index = 0; index < headers.length; index += 2) response.setHeader(headers[index], headers[index + 1]);
    response.removeHeader('x-powered-by');
    response.setHeader('vary', 'Origin');
    const from = request.headers.origin;
    if (from !== undefined && origins.has(from)) {
      response.setHeader('access-control-allow-origin', from);
      response.setHeader('access-control-allow-credentials', 'true');
      if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
        return preflight(request, response);
      }
    }
    const key = request.socket.remoteAddress;
    const now = Date.now();
    let client = clients.get(key);
    if (client === undefined || client.end <= now) clients.set(key, (client = { hits: 0, end: now + windowMs }));
    client.hits += 1;
    const left = Math.max(0, limit - client.hits);
    const seconds = Math.ceil((client.end - now) / 1000);
    response.setHeader('ratelimit-policy', `"default";q=${limit};w=${windowMs / 1000}`);
    response.setHeader('ratelimit', `"default";r=${left};t=${seconds}`);
    if (client.hits > limit) return refuse(response, 429, seconds);
    if (request.headers['content-type'] !== 'application/json') return next();
    readJson(request, response, next);
  };
}

/** What helmet sets, taken down once. */
function headersOfHelmet() {
  const headers = [];
  const response = { setHeader: (name, value) => headers.push(name.toLowerCase(), value), removeHeader() {} };
  helmet()({}, response, () => {});
  return headers;
}

function preflight(request, response) {
  response.setHeader('access-control-allow-methods', 'GET,HEAD,PUT,PATCH,POST,DELETE');
  const wanted = request.headers['access-control-request-headers'];
  if (wanted !== undefined) response.setHeader('access-control-allow-headers', wanted);
  response.statusCode = 204;
  response.setHeader('content-length', '0');
  response.end();
}

function refuse(response, status, seconds) {
  response.statusCode = status;
  response.setHeader('retry-after', `${seconds}`);
  response.setHeader('content-type', 'application/problem+json');
  response.end(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status }));
}

function readJson(request, response, next) {
  const chunks = [];
  let length = 0;
  request.on('data', (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) request.removeAllListeners('data').resume();
  });
  request.on('end', () => {
    if (length > MAX_BYTES) return refuse(response, 413, 1);
    try {
      request.body = clean(JSON.parse(chunks.length === 1 ? chunks[0].toString() : Buffer.concat(chunks).toString()));
    } catch {
      return refuse(response, 400, 1);
    }
    next();
  });
}

function clean(value) {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) clean(value[index]);
    return value;
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__' || key.charCodeAt(0) === 0x24 || key.includes('.')) delete value[key];
    else clean(value[key]);
  }
  return value;
}
