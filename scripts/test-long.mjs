// The checks that are too long for `npm test`: `node scripts/test-long.mjs model` or `host`; every step runs.
import { spawnSync } from 'node:child_process';

const cargo = (...args) => ['cargo', args[0], '--locked', '--release', '--no-default-features', ...args.slice(1)];

const SUITES = {
  // Each algorithm in each store against the naive model, a million operations each.
  model: [
    cargo('test', '--lib', 'model_check', '--', '--include-ignored'),
    [process.execPath, '--test', '__test__/rate-limit-model.spec.js'],
  ],
  // The host store: a million hits by each of four processes, windows that end meanwhile, processes that are killed.
  host: [
    cargo('run', '--example', 'host_store_stress'),
    cargo('test', '--test', 'host_store'),
    [process.execPath, '--test', '__test__/host-store.spec.js'],
  ],
};

const suite = process.argv[2] ?? '';
if (!(suite in SUITES)) {
  process.stderr.write(`expected one of ${Object.keys(SUITES).join(', ')}\n`);
  process.exit(1);
}
process.env.CARAPACE_MODEL_OPERATIONS ??= '1000000';
for (const [command, ...args] of SUITES[suite]) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
