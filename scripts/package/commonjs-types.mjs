// Writes commonjs.d.ts: what `require('carapace')` gives, the chain itself with the parts as its properties, and every type of
// index.d.ts. `node scripts/package/commonjs-types.mjs`; with --check it only says whether the file is up to date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import prettier from 'prettier';

const types = readFileSync('index.d.ts', 'utf8');
const names = [...types.matchAll(/^export (?:interface|type) (\w+)(<[^{=;]*>)?(?= |\n)/gm)];
const aliases = names.map(([, name, parameters = '']) => {
  // Of `<T extends Schema = Any>` the use is `<T>`.
  const uses = [...parameters.matchAll(/[<,]\s*(\w+)/g)].map(([, parameter]) => parameter);
  return `  type ${name}${parameters} = parts.${name}${uses.length > 0 ? `<${uses.join(', ')}>` : ''};`;
});
const text = `// Made from index.d.ts by scripts/package/commonjs-types.mjs.
import parts = require('./index.js');

declare const carapace: typeof parts.default & Omit<typeof parts, 'default'> & { default: typeof parts.default };

declare namespace carapace {
  type CarapaceError = parts.CarapaceError;
${aliases.join('\n')}
}

export = carapace;
`;
const formatted = await prettier.format(text, {
  ...(await prettier.resolveConfig('commonjs.d.ts')),
  parser: 'typescript',
});
const isCurrent = existsSync('commonjs.d.ts') && readFileSync('commonjs.d.ts', 'utf8') === formatted;
if (process.argv.includes('--check')) {
  if (!isCurrent) {
    process.stderr.write('commonjs.d.ts is not up to date\nrun: node scripts/package/commonjs-types.mjs\n');
  }
  process.exitCode = isCurrent ? 0 : 1;
} else if (!isCurrent) writeFileSync('commonjs.d.ts', formatted);
