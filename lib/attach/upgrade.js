'use strict';

const { ServerResponse } = require('node:http');
const { CarapaceError } = require('../errors');
const { createReporter } = require('../events');
const { refuse } = require('../refusal');

/** @typedef {(request: any, response: any, next: (error?: unknown) => void) => void} Middleware */

/**
 * Makes the check of requests that want another protocol, before a WebSocket library sees them. Nothing of CORS holds for
 * a WebSocket: a page of any site may open one, with the user's cookies (CWE-1385). So the origin is checked here, and the
 * chain's limits.
 * @param {{ isAllowed: (request: any) => boolean | Promise<boolean>, limits: Middleware, mode: string, onEvent?: any }} how
 * @returns {(request: any, socket: any, pass: () => void) => void}
 */
function createUpgradeCheck({ isAllowed, limits, mode, onEvent }) {
  const report = createReporter('attach', onEvent);
  const isEnforced = mode !== 'report';

  return function checkUpgrade(request, socket, pass) {
    const response = responseOn(request, socket);
    limits(request, response, (error) => {
      if (error !== undefined) return refuse(request, response, () => {}, /** @type {any} */ (error));
      Promise.resolve(isAllowed(request)).then(
        (isFine) => (isFine ? proceed() : deny()),
        () => deny(),
      );
    });

    function deny() {
      report({ type: 'attach.origin-denied', action: 'reject', mode: isEnforced ? 'enforce' : 'report' });
      if (!isEnforced) return proceed();
      const details = { status: 403, type: 'attach.origin' };
      const message = 'pages of this origin may not open a connection here';
      refuse(request, response, () => {}, new CarapaceError('ERR_CARAPACE_ORIGIN_DENIED', message, details));
    }

    function proceed() {
      response.detachSocket(socket);
      if (!socket.destroyed) pass();
    }
  };
}

/**
 * A response on the socket of an upgrade, for which Node makes none.
 * @param {any} request
 * @param {any} socket
 */
function responseOn(request, socket) {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    if (response.socket !== null) response.detachSocket(socket);
    socket.destroySoon();
  });
  socket.once('error', () => socket.destroy());
  return response;
}

/**
 * Whether a page of the app's own host asks, or no page at all: only browsers send the field.
 * @param {any} request
 */
function isSameHost({ headers: { origin, host } }) {
  if (origin === undefined) return true;
  const start = origin.indexOf('://');
  return start > 0 && host !== undefined && origin.slice(start + 3).toLowerCase() === host.toLowerCase();
}

/**
 * Makes the test of a request's origin out of the chain's `cors`: what it allows, it says so.
 * @param {Middleware} cors
 * @returns {(request: any) => Promise<boolean>}
 */
function createCorsTest(cors) {
  return (request) =>
    new Promise((resolve) => {
      if (isSameHost(request)) return resolve(true);
      const response = new ServerResponse(request);
      // A rule with one origin names it to everybody, and browsers compare.
      const decide = () =>
        resolve(['*', request.headers.origin].includes(response.getHeader('access-control-allow-origin')));
      response.end = /** @type {any} */ (decide);
      cors(request, response, decide);
    });
}

module.exports = { createCorsTest, createUpgradeCheck, isSameHost, responseOn };
