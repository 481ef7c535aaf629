'use strict';

// The same without PM2: `WORKERS=4 node cluster.js`. A process that ends is replaced, unless it never came to listen.
const cluster = require('node:cluster');
const { availableParallelism } = require('node:os');
const { join } = require('node:path');

const workers = Number(process.env.WORKERS ?? availableParallelism());
const ready = new Set();
let isStopping = false;

cluster.setupPrimary({ exec: join(__dirname, 'app.js') });
for (let count = 0; count < workers; count += 1) cluster.fork();

cluster.on('listening', ({ id }) => ready.add(id));
cluster.on('exit', ({ id }) => {
  if (isStopping) return;
  if (!ready.delete(id)) process.exit(1);
  cluster.fork();
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    isStopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal);
  });
}
