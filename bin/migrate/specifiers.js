'use strict';

/**
 * @typedef {import('./parse').Node} Node
 */

/** Functions whose first argument names a module, by what is before the dot (`*`: anything). */
const CALLEES = new Set([
  'require',
  'require.resolve',
  'require.requireActual',
  'require.requireMock',
  'module.require',
  'import.meta.resolve',
  ...['jest', 'vi', 'vitest'].flatMap((runner) =>
    [
      'mock',
      'unmock',
      'doMock',
      'dontMock',
      'doUnmock',
      'setMock',
      'deepUnmock',
      'requireActual',
      'requireMock',
      'importActual',
      'importMock',
      'createMockFromModule',
      'genMockFromModule',
      'unstable_mockModule',
      'unstable_unmockModule',
    ].map((method) => `${runner}.${method}`),
  ),
  'mock.module',
]);

/**
 * The literal that names a module, if a node has one.
 * @param {Node} node
 * @returns {Node | undefined}
 */
function specifierOf(node) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      return literal(node.source);
    case 'TSExternalModuleReference':
      return literal(node.expression);
    case 'TSImportType':
      return literal(node.argument?.literal ?? node.argument);
    case 'TSModuleDeclaration':
      // With a body it adds to the module's types; without, it stands for types that the package has not.
      return node.body ? literal(node.id) : undefined;
    case 'CallExpression':
    case 'OptionalCallExpression':
      return CALLEES.has(nameOf(node.callee)) ? literal(node.arguments[0]) : undefined;
    default:
      return undefined;
  }
}

/**
 * @param {Node | null | undefined} node
 * @returns {Node | undefined}
 */
function literal(node) {
  if (node?.type === 'StringLiteral') return node;
  return node?.type === 'TemplateLiteral' && node.expressions.length === 0 ? node : undefined;
}

/**
 * The text that a literal stands for.
 * @param {Node} node
 * @returns {string | undefined}
 */
function textOf(node) {
  return node.type === 'StringLiteral' ? node.value : node.quasis[0].value.cooked;
}

/**
 * A callee as `name` or `object.name`; of longer ones, the last two names.
 * @param {Node} node
 * @returns {string}
 */
function nameOf(node) {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'MetaProperty') return `${node.meta.name}.${node.property.name}`;
  if (node.type !== 'MemberExpression' || node.computed) return '';
  if (node.object.type === 'MetaProperty') return `${nameOf(node.object)}.${node.property.name}`;
  return `${nameOf(node.object).split('.').at(-1)}.${node.property.name}`;
}

module.exports = { nameOf, specifierOf, textOf };
