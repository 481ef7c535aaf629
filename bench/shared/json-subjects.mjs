// What the benchmark of json() compares: ways from the bytes of a body to its value.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { sanitize } = require('express-mongo-sanitize');
const { createJsonParser } = require('../../lib/body/json.js');

const PATTERNS_AND_DEPTH = {
  ...{
    duplicateKeys: 'last',
    maxKeys: Infinity,
    maxElements: Infinity,
    maxKeyLength: Infinity,
    maxNumberLength: Infinity,
  },
  limit: '64mb',
};

/** V8 alone: nothing that ends in an object can be faster without another way of building it. */
export const floor = (bytes) => JSON.parse(bytes.toString());

/** What apps run today: body-parser's step and express-mongo-sanitize's. */
export const today = (bytes) => sanitize(JSON.parse(bytes.toString()));

/**
 * The same checks in plain JavaScript, written well: one loop, no recursion, no allocation per key. It cannot see
 * duplicate keys and long numbers, which are gone after JSON.parse.
 */
export function twin(bytes) {
  const root = JSON.parse(bytes.toString());
  if (typeof root !== 'object' || root === null) return root;
  const stack = [root];
  const depths = [1];
  let keys = 0;
  while (stack.length > 0) {
    const node = stack.pop();
    const depth = depths.pop();
    if (depth > 64) throw new RangeError('too deep');
    if (Array.isArray(node)) {
      if (node.length > 100_000) throw new RangeError('too many elements');
      for (let index = 0; index < node.length; index += 1) {
        const item = node[index];
        if (typeof item === 'object' && item !== null) {
          stack.push(item);
          depths.push(depth + 1);
        }
      }
      continue;
    }
    for (const key of Object.keys(node)) {
      keys += 1;
      if (keys > 10_000_000) throw new RangeError('too many keys');
      const value = node[key];
      if (isSuspicious(key, value)) {
        delete node[key];
      } else if (typeof value === 'object' && value !== null) {
        stack.push(value);
        depths.push(depth + 1);
      }
    }
  }
  return root;
}

function isSuspicious(key, value) {
  if (key.length > 1024) throw new RangeError('key too long');
  const first = key.charCodeAt(0);
  if (first === 36) return true;
  if (first === 95 && key === '__proto__') return true;
  if (first === 99 && key === 'constructor' && Object.hasOwn(Object(value), 'prototype')) return true;
  if (key.includes('\0')) throw new RangeError('NUL');
  return key.includes('.$');
}

/** json() from the bytes on. Counts are as high as they must be for the larger bodies, and checked all the same. */
export const withDefaultRules = parser({ maxKeys: 10_000_000, maxElements: 10_000_000 });
export const withPatternsAndDepth = parser(PATTERNS_AND_DEPTH);
export const bombProof = parser({});

function parser(options) {
  const parse = createJsonParser(options);
  return (bytes) => {
    const result = parse(bytes);
    if ('error' in result) throw result.error;
    return result.value;
  };
}
