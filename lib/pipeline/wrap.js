'use strict';

const { refuse } = require('../refusal');
const { internalError } = require('../errors');

function createWrap(carapace) {
  return function wrap(handler) {
    return function carapaceInFront(request, response) {
      carapace(request, response, (error) => (error === undefined ? handler(request, response) : refuse(request, response, () => {}, internalError(error))));
    };
  };
}

module.exports = { createWrap };
