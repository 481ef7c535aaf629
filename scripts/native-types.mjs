// Writes lib/native/binding.d.ts from the definitions that napi-derive emits, one JSON object a line, while the crate
// compiles with NAPI_TYPE_DEF_TMP_FOLDER set.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HEADER = '// Generated from src/bindings by scripts/native-types.mjs; do not edit.\n\n';

const FORMS = {
  fn: ({ def }) => `export declare ${def};`,
  interface: ({ name, def }) => `export interface ${name} {\n${indent(def)}\n}`,
  struct: ({ name, def }) => `export declare class ${name} {\n${indent(def)}\n}`,
  type: ({ name, def }) => `export type ${name} = ${def};`,
};

/**
 * @param {string} folder where the compiler left the definitions
 * @param {string} target the declaration file
 */
export function writeNativeTypes(folder, target) {
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  const definitions = lines.filter(Boolean).map((line) => JSON.parse(line));
  const methods = definitions.filter(({ kind }) => kind === 'impl');
  const declarations = definitions
    .filter(({ kind }) => kind !== 'impl')
    .map((definition) => {
      const own = methods.filter(({ name }) => name === definition.name).map(({ def }) => def);
      return declare({ ...definition, def: [definition.def, ...own].filter(Boolean).join('\n') });
    });
  writeFileSync(target, HEADER + declarations.sort().join('\n'));
}

function declare(definition) {
  const form = FORMS[definition.kind];
  if (!form) throw new Error(`no declaration is known for the kind ${definition.kind} of ${definition.name}`);
  return `${definition.js_doc ?? ''}${form(definition)}\n`;
}

function indent(text) {
  return text.replace(/^(?=.)/gm, '  ');
}
