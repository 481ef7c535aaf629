'use strict';

const { randomUUID } = require('node:crypto');
const { validateHeaderName } = require('node:http');
const { CarapaceError } = require('../errors');
const { readFrom } = require('./thrown');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 */

// Nothing that ends a line of a log, starts a tag, or closes a quotation.
const WELL_FORMED = /^[\w.:~+/=@-]{1,128}$/;

/**
 * Makes the function that finds the id of a request: the one on the response, in `request.id` (as loggers set it), in the
 * request's header, or a new one.
 * @param {string | false} header lower case
 * @returns {(request: Request, response: Response) => string}
 */
function createIdReader(header) {
  return function idOf(request, response) {
    const candidates = [readFrom(request, 'id')];
    if (header !== false) candidates.unshift(response.getHeader(header));
    if (header !== false) candidates.push(request.headers?.[header]);
    const known = candidates.map(toText).find((id) => WELL_FORMED.test(id));
    return known ?? randomUUID();
  };
}

/** @param {unknown} id */
function toText(id) {
  return typeof id === 'string' || typeof id === 'number' ? String(id) : '';
}

/**
 * @param {string} path
 * @param {string | false} name
 * @returns {string | false}
 */
function readHeaderName(path, name) {
  if (name === false) return false;
  try {
    validateHeaderName(name);
  } catch {
    const message = 'got what is not the name of a header';
    throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
  }
  return name.toLowerCase();
}

module.exports = { createIdReader, readHeaderName };
