// The whole test suite, one step after the other; every step runs, and the closing lines say which failed.
// `node scripts/test.mjs node` runs only the steps whose name starts so.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const specs = readdirSync('__test__', { recursive: true })
  .map((file) => join('__test__', String(file)))
  .filter((file) => file.endsWith('.spec.js'))
  .sort();

const bin = (name) => [process.execPath, `node_modules/${name}`];

const STEPS = {
  'rust format': ['cargo', 'fmt', '--check'],
  'rust lint, core': [
    'cargo',
    'clippy',
    '--locked',
    '--all-targets',
    '--no-default-features',
    '--features',
    'oracle',
    '--',
    '-D',
    'warnings',
  ],
  'rust lint, addon': [
    'cargo',
    'clippy',
    '--locked',
    '--all-targets',
    '--features',
    'test-hooks',
    '--',
    '-D',
    'warnings',
  ],
  'rust tests': ['cargo', 'test', '--locked', '--no-default-features'],
  'types of the package': [...bin('typescript/bin/tsc'), '-p', 'tsconfig.json'],
  'types as users see them': [...bin('typescript/bin/tsc'), '-p', '__test__/types/tsconfig.json'],
  'types as users of bundlers see them': [...bin('typescript/bin/tsc'), '-p', '__test__/types/bundler/tsconfig.json'],
  'javascript lint': [...bin('eslint/bin/eslint.js'), '--max-warnings', '0', '.'],
  'javascript format': [...bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
  'node tests': [process.execPath, '--test', '--test-reporter', 'spec', ...specs],
};

// The same random cases on each run, so that a change is red for what it changed; `npm run test:fuzz` looks for new ones.
process.env.PROPTEST_RNG_SEED ??= '20261120';

const wanted = process.argv[2] ?? '';
const failed = [];
for (const [name, [command, ...args]] of Object.entries(STEPS)) {
  if (!name.startsWith(wanted)) continue;
  process.stdout.write(`\n── ${name}\n`);
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) failed.push(name);
}
process.stdout.write(failed.length === 0 ? '\nevery step passed\n' : `\nfailed: ${failed.join(', ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
