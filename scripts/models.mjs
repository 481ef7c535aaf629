// Runs the host store's protocol under the model checker loom: every interleaving, and a process killed at every step.
import { spawnSync } from 'node:child_process';

const filter = process.argv[2] ?? 'host_store::models';
const args = [
  'test',
  '--locked',
  '--profile',
  'models',
  '--no-default-features',
  '--features',
  'loom',
  '--lib',
  filter,
];
const { status } = spawnSync('cargo', args, { stdio: 'inherit' });
process.exitCode = status === 0 ? 0 : 1;
