// Writes bin/vendor/babel-parser.js: the parser that `carapace migrate` reads sources with, which is @babel/parser, made smaller, with
// its licence. `node scripts/package/parser.mjs`; with --check it only says whether the file is up to date.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { minify } from 'terser';

const TARGET = 'bin/vendor/babel-parser.js';
const BUDGET = 700 * 1024;

const { name, version } = JSON.parse(readFileSync('node_modules/@babel/parser/package.json', 'utf8'));
const licence = readFileSync('node_modules/@babel/parser/LICENSE', 'utf8').trim();
const source = readFileSync('node_modules/@babel/parser/lib/index.js', 'utf8');
// The tarball has a budget, and this is the largest file in it. Lines, so that a stack and a diff can be read at all.
const { code } = await minify(source, {
  ecma: 2020,
  toplevel: true,
  compress: { passes: 3 },
  format: { comments: false, max_line_len: 500 },
});
const text = `// @ts-nocheck
/*
${name} ${version}, minified

${licence}
*/
${code}
`;
if (text.length > BUDGET) throw new Error(`${TARGET} would have ${text.length} characters`);
const isCurrent = existsSync(TARGET) && readFileSync(TARGET, 'utf8') === text;
if (process.argv.includes('--check')) {
  if (!isCurrent) process.stderr.write(`${TARGET} is not up to date\nrun: node scripts/package/parser.mjs\n`);
  process.exitCode = isCurrent ? 0 : 1;
} else if (!isCurrent) {
  mkdirSync('bin/vendor', { recursive: true });
  writeFileSync(TARGET, text);
}
