// Writes lib/native/binding.d.ts from the definitions that napi-derive emits, one JSON object a line, while the crate
// compiles with NAPI_TYPE_DEF_TMP_FOLDER set.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HEADER = '// Generated from src/bindings by scripts/native-types.mjs; do not edit.\n\n';

/**
 * @param {string} folder where the compiler left the definitions
 * @param {string} target the declaration file
 */
export function writeNativeTypes(folder, target) {
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  const definitions = lines.filter(Boolean).map((line) => JSON.parse(line));
  definitions.sort((left, right) => (left.name < right.name ? -1 : 1));
  writeFileSync(target, HEADER + definitions.map(declare).join('\n'));
}

function declare({ kind, name, js_doc: documentation = '', def }) {
  if (kind === 'fn') return `${documentation}export declare ${def};\n`;
  if (kind === 'interface') return `${documentation}export interface ${name} {\n${indent(def)}\n}\n`;
  if (kind === 'type') return `${documentation}export type ${name} = ${def};\n`;
  throw new Error(`no declaration is known for the kind ${kind} of ${name}`);
}

function indent(text) {
  return text.replace(/^(?=.)/gm, '  ');
}
