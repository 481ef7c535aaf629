'use strict';

const { CarapaceError } = require('../errors');

/**
 * A middleware for the end of the app: what reaches it has no route, and becomes an error like any other.
 * @returns {import('../../index').Middleware}
 */
function notFound() {
  return function notFound(_request, _response, next) {
    const message = 'there is nothing at this path for this method';
    next(new CarapaceError('ERR_CARAPACE_NOT_FOUND', message, { status: 404, type: 'not-found' }));
  };
}

module.exports = { notFound };
