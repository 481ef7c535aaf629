'use strict';

/**
 * A `Set-Cookie` line as browsers read it (RFC 6265bis, section 5.6): cut at each `;`, names without case, only space and tab
 * around them. Parts keep their text and order, so that what is not changed goes out as it came.
 * @typedef {{ name: string, text: string, value: string }} Attribute `name` in lower case
 * @typedef {{ pair: string, name: string, value: string, attributes: Attribute[] }} Cookie
 */

/**
 * @param {string} line
 * @returns {Cookie}
 */
function parseSetCookie(line) {
  const [pair, ...parts] = line.split(';');
  const { name, value } = split(pair, '');
  return { pair, name, value, attributes: parts.map(parseAttribute) };
}

/**
 * @param {string} text
 * @returns {Attribute}
 */
function parseAttribute(text) {
  const { name, value } = split(text, undefined);
  return { name: name.toLowerCase(), value, text };
}

/**
 * @param {string} text
 * @param {string | undefined} nameless what the name of a text without `=` is; undefined: the text itself
 */
function split(text, nameless) {
  const equals = text.indexOf('=');
  if (equals === -1) {
    const whole = trim(text);
    return nameless === undefined ? { name: whole, value: '' } : { name: nameless, value: whole };
  }
  const name = trim(text.slice(0, equals));
  return { name, value: trim(text.slice(equals + 1)) };
}

/**
 * Without space and tab around it. What else is space to JavaScript is part of a name to browsers: `\u00a0HttpOnly` is not `HttpOnly`.
 * @param {string} text
 */
function trim(text) {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** @param {number} code */
function isSpace(code) {
  return code === 0x20 || code === 0x09;
}

/**
 * @param {Cookie} cookie
 * @returns {string}
 */
function writeSetCookie({ pair, attributes }) {
  return [pair, ...attributes.map(({ text }) => text)].join(';');
}

/**
 * The attribute that counts: of several, the last.
 * @param {Cookie} cookie
 * @param {string} name lower case
 */
function attributeOf({ attributes }, name) {
  return attributes.findLast((attribute) => attribute.name === name);
}

/**
 * Puts a value into every attribute of that name, or adds one at the end.
 * @param {Cookie} cookie
 * @param {string} name as it is written
 * @param {string} [value]
 */
function setAttribute(cookie, name, value) {
  const known = name.toLowerCase();
  const attribute = { name: known, value: value ?? '', text: value === undefined ? ` ${name}` : ` ${name}=${value}` };
  let isThere = false;
  cookie.attributes = cookie.attributes.map((other) => {
    if (other.name !== known) return other;
    isThere = true;
    return attribute;
  });
  if (!isThere) cookie.attributes.push(attribute);
}

/**
 * @param {Cookie} cookie
 * @param {string} name lower case
 */
function removeAttribute(cookie, name) {
  cookie.attributes = cookie.attributes.filter((attribute) => attribute.name !== name);
}

module.exports = { attributeOf, parseSetCookie, removeAttribute, setAttribute, writeSetCookie };
