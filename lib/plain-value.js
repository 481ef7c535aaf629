'use strict';

const { getOwnPropertyDescriptor, getPrototypeOf, hasOwn } = Object;

/**
 * Whether a value is one of those that parsers build, an array or a plain object: these are looked into. A plain object
 * has no prototype or one at the end of the chain: `Object.prototype`, another realm's, or that of `querystring`'s
 * results. Instances of classes (Buffer, Date, Map, ObjectId …) are values like any other.
 * @param {unknown} value
 * @returns {value is any[] | Record<string, any>}
 */
function isContainer(value) {
  return typeof value === 'object' && value !== null && (Array.isArray(value) || isPlain(value));
}

/**
 * @param {object} value not an array
 */
function isPlain(value) {
  const prototype = getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || getPrototypeOf(prototype) === null;
}

/**
 * The value of an own property, or undefined where there is a getter: it is not called.
 * @param {object} object
 * @param {string} key
 * @returns {unknown}
 */
function ownValue(object, key) {
  return getOwnPropertyDescriptor(object, key)?.value;
}

/** The longest array of which every index is looked at; a longer one may be mostly holes. */
const DENSE_MAX = 1_000_000;

/**
 * The keys of an object's members, or undefined for an array whose indices are simply counted.
 * @param {any} container
 * @returns {string[] | undefined}
 */
function listedKeys(container) {
  return Array.isArray(container) && container.length <= DENSE_MAX ? undefined : Object.keys(container);
}

/**
 * Sets an own property, whatever setters and read-only properties the object inherits.
 * @param {any} object
 * @param {string | number} key
 * @param {unknown} value
 */
function setOwn(object, key, value) {
  if (key in object) defineOwn(object, key, value);
  else object[key] = value;
}

/**
 * An array or object of the same kind without members, for a copy. Elements of an array are holes at first.
 * @param {any} source
 */
function emptyLike(source) {
  if (Array.isArray(source)) return new Array(source.length);
  const prototype = getPrototypeOf(source);
  return prototype === Object.prototype ? {} : Object.create(prototype);
}

/**
 * Copies what a walk over the keys leaves out: symbols, and properties that are not enumerable.
 * @param {any} source
 * @param {string[] | undefined} keys as listed; those of an array are its own business
 * @param {any} copy
 */
function copyHidden(source, keys, copy) {
  if (keys === undefined || Array.isArray(source)) return;
  const all = Reflect.ownKeys(source);
  if (all.length === keys.length) return;
  const listed = new Set(keys);
  for (const key of all) {
    if (typeof key === 'symbol' || !listed.has(key)) copyProperty(source, key, copy);
  }
}

/**
 * Copies a property as it is, getter and all.
 * @param {object} source
 * @param {string | symbol} key
 * @param {object} copy
 */
function copyProperty(source, key, copy) {
  const descriptor = /** @type {PropertyDescriptor} */ (getOwnPropertyDescriptor(source, key));
  descriptor.configurable = true;
  if ('value' in descriptor) descriptor.writable = true;
  Object.defineProperty(copy, key, descriptor);
}

/**
 * Defines an own property like any other, in place of whatever is there: Express 5 has `request.query` as a getter that
 * parses on each read.
 * @param {any} object
 * @param {string | number} key
 * @param {unknown} value
 */
function defineOwn(object, key, value) {
  const isDefined = Reflect.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
  // Apps make Express 5's query writable and leave it fixed otherwise.
  if (!isDefined) object[key] = value;
}

/**
 * What the query string was parsed to, without having it parsed when there is none. It becomes an own property, so that
 * whoever reads it next sees the value that was looked at, and not another parse.
 * @param {any} request
 * @returns {unknown}
 */
function queryOf(request) {
  if (!hasOwn(request, 'query')) {
    if (typeof request.url !== 'string' || !request.url.includes('?')) return undefined;
    const { query } = request;
    if (query === undefined) return undefined;
    defineOwn(request, 'query', query);
    return query;
  }
  return request.query;
}

/**
 * The value of a part of the request, as the handlers will read it.
 * @param {any} request
 * @param {string} location
 * @returns {unknown}
 */
function partOf(request, location) {
  return location === 'query' ? queryOf(request) : request[location];
}

module.exports = {
  DENSE_MAX,
  copyHidden,
  copyProperty,
  defineOwn,
  emptyLike,
  isContainer,
  isPlain,
  listedKeys,
  ownValue,
  partOf,
  setOwn,
};
