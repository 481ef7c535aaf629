'use strict';

const { ServerResponse } = require('node:http');

/**
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {Record<string, any> | any[] | undefined} ExplicitHeaders what was given to `writeHead` itself; an array is
 *   flat: name, value, name, value
 * @typedef {(response: Response, headers: ExplicitHeaders) => ExplicitHeaders} HeadListener called when the headers of a
 *   response are about to be sent. It may set and remove headers of the response, gets those given to `writeHead`, and
 *   returns them, or others in their place; it must not change them, because they are the caller's. It may be called
 *   more than once for one response
 * @typedef {((status: number, reason?: any, headers?: any) => Response) & { [LISTENERS]: readonly HeadListener[], [INNER]: Function | undefined }} HeadHook
 */

// On our own `writeHead` functions: what they call. A symbol, so that it meets nobody else's property.
const LISTENERS = Symbol('carapace.head-listeners');
// And the method of another library that they wrap.
const INNER = Symbol('carapace.inner-write-head');

// What a response has unless somebody replaced it. Compared rather than looked up for each response: finding the
// prototype's method costs more than the rest of the hook.
const plainWriteHead = /** @type {any} */ (ServerResponse.prototype.writeHead);

/**
 * Makes a hook: the `writeHead` that every response it is installed on gets, so that nothing is made per response.
 * @param {readonly HeadListener[]} listeners called in this order
 * @returns {HeadHook}
 */
function createHeadHook(listeners) {
  return makeHook(listeners, undefined);
}

/**
 * Calls the hook's listeners when the headers of `response` are sent, whoever sends them: `writeHead`, the implicit headers
 * of `write` and `end`, `flushHeaders`, HTTP/1 and the HTTP/2 compatibility API alike. However many hooks a response
 * gets, its `writeHead` is wrapped once.
 * @param {Response} response
 * @param {HeadHook} hook
 */
function installHeadHook(response, hook) {
  const current = /** @type {any} */ (response.writeHead);
  if (current === plainWriteHead) response.writeHead = hook;
  // A stand-in of a unit test may have no head to write.
  else if (typeof current === 'function') response.writeHead = join(response, current, hook);
}

/**
 * @param {Response} response
 * @param {any} current
 * @param {HeadHook} hook
 */
function join(response, current, hook) {
  if (current[LISTENERS] !== undefined) return combine(current, hook);
  // Another library's, on the response itself or on its prototype (HTTP/2's too), stays inside ours.
  return Object.hasOwn(response, 'writeHead') ? makeHook(hook[LISTENERS], current) : over(hook, current);
}

// What was made of a hook and another function, so that it is made once.
/** @type {WeakMap<Function, WeakMap<Function, HeadHook>>} */
const made = new WeakMap();

/**
 * @param {HeadHook} hook
 * @param {Function} other
 * @param {() => HeadHook} make
 */
function once(hook, other, make) {
  let known = made.get(hook);
  if (known === undefined) made.set(hook, (known = new WeakMap()));
  let result = known.get(other);
  if (result === undefined) known.set(other, (result = make()));
  return result;
}

/**
 * One hook for the listeners of two.
 * @param {HeadHook} first
 * @param {HeadHook} second
 */
function combine(first, second) {
  const listeners = new Set([...first[LISTENERS], ...second[LISTENERS]]);
  if (listeners.size === first[LISTENERS].length) return first;
  return once(first, second, () => makeHook([...listeners], first[INNER]));
}

/**
 * A hook with the method of a prototype inside it.
 * @param {HeadHook} hook
 * @param {Function} method
 */
function over(hook, method) {
  return once(hook, method, () => makeHook(hook[LISTENERS], method));
}

/**
 * @param {readonly HeadListener[]} listeners
 * @param {Function | undefined} inner
 * @returns {HeadHook}
 */
function makeHook(listeners, inner) {
  const listen = listeners.length === 1 ? listeners[0] : callEach(listeners);
  const properties = { [LISTENERS]: Object.freeze([...listeners]), [INNER]: inner };
  if (inner !== undefined) return Object.assign(writeHeadOver(inner, listen), properties);
  return Object.assign(writeHead, properties);

  /**
   * @this {any}
   * @param {number} status
   * @param {any} [reason]
   * @param {any} [explicit]
   */
  function writeHead(status, reason, explicit) {
    // Nearly all heads are implicit ones, with nothing but a status.
    if (reason === undefined && explicit === undefined && !this.headersSent && listen(this, undefined) === undefined) {
      return plainWriteHead.call(this, status);
    }
    return Reflect.apply(plainWriteHead, this, listenTo(this, listen, [status, reason, explicit]));
  }
}

/**
 * @param {readonly HeadListener[]} listeners
 * @returns {HeadListener}
 */
function callEach(listeners) {
  return function listen(response, headers) {
    let result = headers;
    for (let index = 0; index < listeners.length; index += 1) result = listeners[index](response, result);
    return result;
  };
}

/**
 * Calls the listeners and puts what they return in the place of the headers given.
 * @param {Response} response
 * @param {HeadListener} listen
 * @param {any[]} given status, reason phrase or headers, headers
 * @returns {any[]} the arguments for Node
 */
function listenTo(response, listen, [status, reason, explicit]) {
  const hasReason = typeof reason === 'string';
  const start = hasReason ? [status, reason] : [status];
  const given = flatten(hasReason ? explicit : (explicit ?? reason));
  // Node's own error for a second head is better than one from a listener.
  const headers = response.headersSent ? given : listen(response, given);
  return headers === undefined ? start : [...start, headers];
}

/**
 * Pairs become a flat list: Node takes pairs only while no other header is set, and here others are.
 * @param {any} headers
 * @returns {ExplicitHeaders}
 */
function flatten(headers) {
  return Array.isArray(headers) && Array.isArray(headers[0]) ? headers.flat() : headers;
}

/**
 * A `writeHead` over one that another library put there earlier. That one may set headers in its turn, after the listeners
 * have run, so while it runs each header set is followed by the listeners once more.
 * @param {Function} inner
 * @param {HeadListener} listen
 */
function writeHeadOver(inner, listen) {
  /**
   * @this {any}
   * @param {any[]} given
   */
  return function writeHead(...given) {
    const args = listenTo(this, listen, given);
    const restore = ['setHeader', 'appendHeader'].map((name) => shadow(this, name, listen));
    try {
      return Reflect.apply(inner, this, args);
    } finally {
      for (const undo of restore) undo();
    }
  };
}

/**
 * @param {any} response
 * @param {string} name
 * @param {HeadListener} listen
 * @returns {() => void} takes the shadow away
 */
function shadow(response, name, listen) {
  const own = Object.getOwnPropertyDescriptor(response, name);
  const original = response[name];
  if (typeof original !== 'function') return () => {};
  let isListening = false;
  response[name] = function setThenListen(/** @type {any[]} */ ...given) {
    const result = Reflect.apply(original, this, given);
    // What a listener sets itself needs no listener.
    if (isListening || this.headersSent) return result;
    isListening = true;
    listen(this, undefined);
    isListening = false;
    return result;
  };
  return () => {
    if (own === undefined) delete response[name];
    else Object.defineProperty(response, name, own);
  };
}

module.exports = { createHeadHook, installHeadHook };
