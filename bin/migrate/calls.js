'use strict';

const { nativeFor } = require('./natives');
const { PEERS } = require('./peers');
const { specifierOf, textOf } = require('./specifiers');

/**
 * @typedef {import('./parse').Node} Node
 * @typedef {{ peer: string, member: string }} Origin what a name stands for: an export, or '' for the package itself
 * @typedef {{ line: number, call: string, native: string }} Suggestion
 */

const DROP_IN = /^carapace\/(.+?)(?:\/v\d)?$/;

/**
 * The package that a module specifier means, also when it is a drop-in already.
 * @param {string | undefined} specifier
 */
function peerOf(specifier) {
  const name = DROP_IN.exec(specifier ?? '')?.[1] ?? specifier ?? '';
  return PEERS.includes(name) || name === 'express' ? name : undefined;
}

/**
 * Collects what a file's names stand for, and then its calls.
 * @param {string} source
 */
function callsOf(source) {
  /** @type {Map<string, Origin>} */
  const names = new Map();
  /** @type {Node[]} */
  const calls = [];
  return {
    /** @param {Node} node */
    visit(node) {
      if (node.type === 'ImportDeclaration') noteImport(names, node);
      else if (node.type === 'VariableDeclarator') noteTarget(names, node.id, originOf(names, node.init));
      else if (node.type === 'TSImportEqualsDeclaration') {
        noteTarget(names, node.id, originOf(names, node.moduleReference));
      } else if (['CallExpression', 'NewExpression', 'OptionalCallExpression'].includes(node.type)) calls.push(node);
    },
    /** @returns {Suggestion[]} in the order of the lines */
    suggestions() {
      return calls.flatMap((node) => suggestionFor(source, names, node)).sort((one, other) => one.line - other.line);
    },
  };
}

/**
 * @param {Map<string, Origin>} names
 * @param {Node} node
 */
function noteImport(names, node) {
  const origin = moduleOrigin(node);
  if (origin === undefined || node.importKind === 'type') return;
  for (const specifier of node.specifiers) {
    const isNamed = specifier.type === 'ImportSpecifier';
    const member = isNamed ? (specifier.imported.name ?? specifier.imported.value) : '';
    names.set(specifier.local.name, memberOf(origin, member));
  }
}

/**
 * @param {Map<string, Origin>} names
 * @param {Node} target what is declared
 * @param {Origin | undefined} origin
 */
function noteTarget(names, target, origin) {
  if (origin === undefined) return;
  if (target.type === 'Identifier') names.set(target.name, origin);
  if (target.type !== 'ObjectPattern') return;
  for (const { type, computed, key, value } of target.properties) {
    if (type === 'ObjectProperty' && !computed && value.type === 'Identifier') {
      names.set(value.name, memberOf(origin, key.name ?? key.value));
    }
  }
}

/**
 * @param {Origin} origin
 * @param {string} name
 * @returns {Origin}
 */
function memberOf({ peer, member }, name) {
  return { peer, member: name === 'default' ? member : name };
}

/**
 * @param {Node} node
 * @returns {Origin | undefined}
 */
function moduleOrigin(node) {
  const specifier = specifierOf(node);
  const peer = specifier && peerOf(textOf(specifier));
  return peer === undefined ? undefined : { peer, member: '' };
}

/**
 * What an expression stands for: a name, a member of one, or a module that is asked for at once.
 * @param {Map<string, Origin>} names
 * @param {Node | null | undefined} node
 * @returns {Origin | undefined}
 */
function originOf(names, node) {
  switch (node?.type) {
    case 'Identifier':
      return names.get(node.name);
    case 'AwaitExpression':
      return originOf(names, node.argument);
    case 'MemberExpression': {
      const origin = node.computed ? undefined : originOf(names, node.object);
      return origin && memberOf(origin, node.property.name);
    }
    case 'TSAsExpression':
    case 'ParenthesizedExpression':
      return originOf(names, node.expression);
    case 'ImportExpression':
    case 'TSExternalModuleReference':
      return moduleOrigin(node);
    case 'CallExpression':
      return node.callee.type === 'Identifier' && node.callee.name === 'require' ? moduleOrigin(node) : undefined;
    default:
      return undefined;
  }
}

/**
 * @param {string} source
 * @param {Map<string, Origin>} names
 * @param {Node} node a call
 * @returns {Suggestion[]} one, or none
 */
function suggestionFor(source, names, node) {
  const origin = originOf(names, node.callee);
  if (origin === undefined) return [];
  const options = optionNames(node.arguments);
  const text = source.slice(node.callee.start, node.callee.end).replace(/\s+/g, ' ');
  const native = nativeFor(origin.peer, origin.member, options);
  if (native === undefined) return [];
  const given = options === undefined ? '…' : options.length > 0 ? `{ ${options.join(', ')} }` : '';
  const call = `${node.type === 'NewExpression' ? 'new ' : ''}${text}(${given})`;
  return [{ line: node.loc.start.line, call, native }];
}

/**
 * @param {Node[]} args
 * @returns {string[] | undefined} undefined when the options are no literal
 */
function optionNames(args) {
  if (args.length === 0) return [];
  if (args.length > 1 || args[0].type !== 'ObjectExpression') return undefined;
  const keys = args[0].properties.map((/** @type {Node} */ one) => (one.computed ? undefined : one.key));
  return keys.flatMap((/** @type {Node | undefined} */ key) => key?.name ?? key?.value ?? []);
}

module.exports = { callsOf, peerOf };
