#!/usr/bin/env node
'use strict';

const { run } = require('./migrate/command');

process.exitCode = run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
});
