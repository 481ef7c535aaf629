'use strict';

const { CarapaceError } = require('../errors');
const { createReporter } = require('../events');
const { readOptions, show, typeOf } = require('../options');
const { asExpressApp, end, http2Error, unwrap } = require('../pipeline/wrap');
const { isHttp2: isHttp2Request } = require('../body-framing');
const { askWhenRead } = require('../continue');
const { createClientErrorAnswer } = require('./client-error');
const { createConnectionGate } = require('./connections');
const { OPTIONS, setProperties } = require('./options');
const { createUpgradeCheck } = require('./upgrade');

/**
 * @typedef {import('./upgrade').Middleware} Middleware
 * @typedef {object} Protection
 * @property {(app: any) => Middleware} enterFor gives the whole chain, in front of an Express app or of a plain handler
 * @property {Middleware} limits its headers and limits alone, for requests that have no answer of their own
 * @property {Middleware} headers
 * @property {(origins: any) => (request: any) => boolean | Promise<boolean>} originTest
 * @property {(error: unknown, request: any, response: any) => void} fail
 * @property {string} mode
 * @property {any} onEvent
 */

/**
 * Makes `attach`, which protects a server: its connections, what is read before a request is whole, and each request,
 * whatever listens to it.
 * @param {Protection} protection
 * @param {Set<any>} servers gets those that are attached
 * @param {() => boolean} isClosing
 */
function createAttach(protection, servers, isClosing) {
  const report = createReporter('attach', protection.onEvent);
  return function attach(/** @type {any} */ server, /** @type {unknown} */ options) {
    check(server);
    const settings = readOptions('carapace.attach', options, OPTIONS);
    if (servers.has(server)) {
      throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', 'this server is attached already', {
        path: 'carapace.attach',
      });
    }
    const isAllowed = protection.originTest(settings.upgradeOrigins);
    const mayStay =
      settings.connectionsPerAddress === undefined || settings.connectionsPerAddress === Infinity
        ? undefined
        : createConnectionGate(settings.connectionsPerAddress, settings.ipv6Prefix);
    servers.add(server);
    setProperties(server, settings);
    guard(server, {
      request: createRequestGuard(server, protection, isClosing),
      connection(pass, socket) {
        if (mayStay === undefined || mayStay(socket)) return pass();
        report({
          type: 'attach.connection-refused',
          action: 'close',
          mode: protection.mode === 'report' ? 'report' : 'enforce',
        });
        if (protection.mode === 'report') return pass();
        socket.destroy();
      },
      upgrade: createUpgradeGuard(createUpgradeCheck({ ...protection, isAllowed })),
    });
    listenForMore(server, protection.headers);
    return server;
  };
}

/** @param {any} server */
function check(server) {
  if (typeOf(server) !== 'object' || typeof server.emit !== 'function' || typeof server.listen !== 'function') {
    const message = `got ${show(server)}, expected a server of node:http or node:https`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: 'carapace.attach' });
  }
  if (isHttp2(server) && appOf(server) !== undefined) throw http2Error();
}

/** @param {any} server */
function isHttp2(server) {
  return typeof server.updateSettings === 'function';
}

/**
 * The Express app that listens to a server.
 * @param {any} server
 */
function appOf(server) {
  return server
    .listeners('request')
    .map((/** @type {any} */ listener) => asExpressApp(unwrap(listener)))
    .find((/** @type {any} */ app) => app !== undefined);
}

/**
 * Puts guards before all listeners of some events, those that come later included.
 * @param {any} server
 * @param {Record<string, (pass: () => void, first: any, second: any) => void>} guards
 */
function guard(server, guards) {
  const { emit } = server;
  server.emit = function guardedEmit(/** @type {string} */ event, /** @type {any} */ first, /** @type {any} */ second) {
    if (!Object.hasOwn(guards, event)) return Reflect.apply(emit, this, arguments);
    const given = arguments;
    guards[event](() => Reflect.apply(emit, this, given), first, second);
    return true;
  };
}

/**
 * @param {any} server
 * @param {Protection} protection
 * @param {() => boolean} isClosing
 */
function createRequestGuard(server, { enterFor, fail }, isClosing) {
  /** @type {Middleware | undefined} */
  let enter;
  return (/** @type {() => void} */ pass, /** @type {any} */ request, /** @type {any} */ response) => {
    // Known with the first request, when the app listens.
    enter ??= enterFor(appOf(server));
    if (isClosing() && !isHttp2Request(request)) response.setHeader('connection', 'close');
    enter(request, response, (error) => (error === undefined ? pass() : fail(error, request, response)));
  };
}

/** @param {ReturnType<typeof createUpgradeCheck>} checkUpgrade */
function createUpgradeGuard(checkUpgrade) {
  return (/** @type {() => void} */ pass, /** @type {any} */ request, /** @type {any} */ socket) =>
    checkUpgrade(request, socket, pass);
}

/**
 * Answers what Node would answer otherwise, unless the app listens to it itself.
 * @param {any} server
 * @param {Middleware} headers
 */
function listenForMore(server, headers) {
  if (isHttp2(server)) return;
  if (server.listenerCount('checkContinue') === 0) {
    server.on('checkContinue', (/** @type {any} */ request, /** @type {any} */ response) => {
      askWhenRead(request, response);
      server.emit('request', request, response);
    });
  }
  if (server.listenerCount('clientError') === 0) server.on('clientError', createClientErrorAnswer(headers));
}

module.exports = { OPTIONS, createAttach, end };
