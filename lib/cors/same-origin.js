'use strict';

/**
 * Whether a request with an `Origin` comes from the app's own pages, which browsers say of every POST. They need no
 * permission: CORS is not asked. By `Sec-Fetch-Site`, which no script can set, or else by the host, because the scheme is not
 * known behind a proxy.
 * @param {import('node:http').IncomingMessage} request
 */
function isSameOrigin({ headers }) {
  const site = headers['sec-fetch-site'];
  // `none`: the user's own doing, such as an address typed in. No page can cause it.
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin } = headers;
  const host = headers.host ?? headers[':authority'];
  if (typeof origin !== 'string' || typeof host !== 'string') return false;
  const start = origin.indexOf('://');
  return start > 0 && origin.slice(start + 3) === host.toLowerCase();
}

module.exports = { isSameOrigin };
