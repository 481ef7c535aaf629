'use strict';

// `pm2 start ecosystem.config.js`: as many processes as there are cores, `pm2 reload hardened` without a gap.
module.exports = {
  apps: [
    {
      name: 'hardened',
      script: './app.js',
      cwd: __dirname,
      exec_mode: 'cluster',
      instances: 'max',
      wait_ready: true,
      listen_timeout: 10_000,
      kill_timeout: 7_000,
      env: { NODE_ENV: 'production', PORT: 3000 },
    },
  ],
};
