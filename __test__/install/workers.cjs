// A thousand threads, some at a time, each of which loads the core and ends.
const { Worker } = require('node:worker_threads');
const { rateLimit } = require('carapace');

// A window that a slow machine does not see the end of.
const limiter = rateLimit({ limit: 1_000_000, windowMs: 86_400_000, name: 'install-test' });
const THREADS = 1000;
let started = 0;
let ended = 0;
function next() {
  if (started >= THREADS) return;
  started += 1;
  const worker = new Worker(require.resolve('./worker.cjs'));
  worker.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  worker.on('exit', async (code) => {
    if (code !== 0) process.exit(code);
    ended += 1;
    if (ended < THREADS) return next();
    const { used } = (await limiter.getKey('worker')) ?? {};
    if (used !== THREADS) throw new Error(`the threads counted ${used}`);
    console.log('ok');
  });
}
for (let index = 0; index < 4; index += 1) next();
