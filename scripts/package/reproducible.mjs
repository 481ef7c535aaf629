// Builds the core twice, in two folders with two targets, and says whether the bytes are the same: `npm run test:reproducible`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PLATFORMS, currentPlatform } from './platforms.mjs';

const { file } = PLATFORMS.find(({ name }) => name === currentPlatform()) ?? {};
if (file === undefined) throw new Error(`no package is made for ${currentPlatform()}`);
const root = mkdtempSync(join(tmpdir(), 'carapace-reproducible-'));
try {
  const digests = ['first', 'a-second-folder-with-a-longer-name'].map(build);
  for (const digest of digests) process.stdout.write(`${digest}\n`);
  if (new Set(digests).size > 1) throw new Error('the two builds differ');
  process.stdout.write('the two builds are the same\n');
} finally {
  rmSync(root, { recursive: true, force: true });
}

/** @param {string} name */
function build(name) {
  const folder = join(root, name);
  run('git', ['clone', '--quiet', '.', folder]);
  run(process.execPath, ['scripts/package/pack.mjs', '--only-platform'], folder);
  const [tarball] = run('ls', ['dist'], folder).split('\n');
  const bytes = run('tar', ['-xzOf', join('dist', tarball), `package/${file}`], folder, 'buffer');
  return createHash('sha256').update(bytes).digest('hex');
}

/** @param {string} command @param {string[]} args @param {string} [cwd] @param {any} [encoding] */
function run(command, args, cwd, encoding = 'utf8') {
  const env = { ...process.env };
  delete env.CARGO_TARGET_DIR;
  const { status, stdout } = spawnSync(command, args, {
    cwd,
    env,
    encoding,
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
  return stdout;
}
