'use strict';

const { warningsOf } = require('./warnings');
const { PARTS } = require('./parts');

/**
 * @typedef {Record<string, any>} Options
 * @typedef {import('../../index').ShieldExplanation} Explanation
 */

/** What holds where the options say nothing, of what people ask for first. @type {Record<string, Options>} */
const STANDARD = {
  securityHeaders: { preset: 'web' },
  cookies: { httpOnly: true, secure: 'auto', sameSite: 'lax' },
  cors: { origin: '*' },
  rateLimit: { windowMs: 60_000, algorithm: 'sliding-window' },
  json: { limit: '100kb' },
  urlencoded: { limit: '100kb' },
  queryParser: { parameterLimit: 1000 },
  sanitize: { action: 'strip' },
  hpp: { keep: 'last' },
};

/** Options whose values are nobody's business. */
const SECRET = /secret|password|token/i;
const HIDDEN = ['onEvent'];
const WIDTH = 17;

/**
 * Says what is on, with which values, and what looks like a mistake.
 * @param {{ given: Options, parts: Options, rules: import('./settings').RuleSettings[] }} settings
 * @param {import('./warnings').Situation} situation
 * @returns {Explanation}
 */
function explain({ given, parts, rules }, situation) {
  const data = {
    mode: given.mode ?? 'enforce',
    preset: given.preset ?? 'web',
    parts: PARTS.map(({ name }) => ({ name, isOn: parts[name] !== false, options: shown(name, parts[name]) })),
    routes: rules.map(({ name, given: own }) => ({ rule: name, options: shown('', own) })),
    warnings: warningsOf({ given, parts, rules }, situation),
  };
  const toString = () => textOf(data);
  return /** @type {any} */ (
    Object.defineProperties(data, {
      toString: { value: toString },
      [Symbol.for('nodejs.util.inspect.custom')]: { value: toString },
    })
  );
}

/**
 * Options as they may be shown: no functions, no secrets, nothing that is no plain value.
 * @param {string} part
 * @param {any} options
 * @returns {Options}
 */
function shown(part, options) {
  if (options === false) return {};
  const all = typeof options === 'object' ? { ...STANDARD[part], ...options } : {};
  return Object.fromEntries(
    Object.entries(all)
      .filter(([name, value]) => value !== undefined && !HIDDEN.includes(name))
      .map(([name, value]) => [name, SECRET.test(name) ? '(secret)' : plain(value)]),
  );
}

/**
 * @param {any} value
 * @returns {any}
 */
function plain(value) {
  if (typeof value === 'function') return '(function)';
  if (value instanceof RegExp) return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const { constructor } = value;
  if (constructor !== undefined && constructor !== Object) return `(${constructor.name || 'object'})`;
  return shown('', value);
}

/** @param {Pick<Explanation, 'mode' | 'preset' | 'parts' | 'routes' | 'warnings'>} data */
function textOf({ mode, preset, parts, routes, warnings }) {
  const lines = [`carapace: preset ${preset}, mode ${mode}`];
  for (const { name, isOn, options } of parts) lines.push(`  ${name.padEnd(WIDTH)}${isOn ? listOf(options) : 'off'}`);
  if (routes.length > 0) lines.push('routes');
  for (const { rule, options } of routes) lines.push(`  ${rule.padEnd(WIDTH - 1)} ${listOf(options)}`);
  lines.push(warnings.length > 0 ? 'warnings' : 'no warnings');
  for (const { code, message } of warnings) lines.push(`  ${code}: ${message}`);
  return `${lines.join('\n')}\n`;
}

/** @param {Options} options */
function listOf(options) {
  const all = Object.entries(options).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return all.length === 0 ? 'on' : all.join(', ');
}

module.exports = { explain };
