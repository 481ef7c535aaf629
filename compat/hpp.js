'use strict';

const { hpp: createHpp } = require('../lib/hpp');
const { compileNames } = require('../lib/hpp/names');
const { partOf } = require('../lib/plain-value');
const { createTypeTest } = require('./request-type');

/** @typedef {(request: any, response: any, next: (error?: any) => void) => void} Middleware */

/**
 * @param {any} options
 * @returns {Middleware}
 */
function createMiddleware(options) {
  const given = options || {};
  const { checkQuery = true, checkBody = true, checkBodyOnlyForContentType = 'urlencoded' } = given;
  const whitelist = readWhitelist(given.whitelist);
  const isChecked = createTypeTest(checkBodyOnlyForContentType, true);
  const query = createHpp({ locations: ['query'], whitelist, onReject: 'next' });
  const body = createHpp({ locations: ['body'], whitelist, onReject: 'next', type: isChecked });

  return function hpp(request, response, next) {
    if (checkQuery && partOf(request, 'query')) query(request, response, goOn);
    else goOn(undefined);

    /** @param {unknown} error */
    function goOn(error) {
      if (error) next(error);
      else if (!checkBody || !request.body) next();
      else body(request, response, next);
    }
  };
}

/**
 * @param {any} whitelist
 * @returns {string[]}
 */
function readWhitelist(whitelist = null) {
  if (typeof whitelist === 'string') return namesOf([whitelist]);
  if (Array.isArray(whitelist)) return namesOf(whitelist);
  if (whitelist !== null) {
    console.error('[HPP] Please pass either a string or an array to "options.whitelist". Deactivated the whitelist!');
  }
  return [];
}

/** @param {any[]} whitelist */
function namesOf(whitelist) {
  return whitelist.filter((name) => {
    if (typeof name === 'string') return isName(name);
    console.error(`[HPP] Please pass only strings into the "options.whitelist" array. Removed the entry <${name}>!`);
    return false;
  });
}

/**
 * Whether the core takes a name: `[]` is none.
 * @param {string} name
 */
function isName(name) {
  try {
    return compileNames('hpp.whitelist', [name]) !== undefined;
  } catch {
    return false;
  }
}

// The peer's factory has no name either.
module.exports = (/** @type {any} */ options) => createMiddleware(options);
