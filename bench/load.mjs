// What loading the package adds to the start of a process, in CPU time: fresh processes, taking turns, each figure over a process that loads
// all but the package itself. Beside it the packages that it replaces, and the native core alone, which is what loading cannot go below.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { quantile, summarize } from './harness.mjs';
import { openReport } from './harness/report.mjs';

const require = createRequire(import.meta.url);
const root = new URL('..', import.meta.url);
require('../lib/loader.js');
const addon = Object.keys(require.cache).find((file) => file.endsWith('.node'));

const PEERS = ['helmet', 'cors', 'express-rate-limit', 'express-mongo-sanitize', 'hpp', 'body-parser'];
const OPTIONS = "{ cors: { origin: ['https://app.example.com'] }, rateLimit: { limit: 100, windowMs: 60_000 } }";
const STACK = `
  require('helmet')();
  require('cors')({ origin: ['https://app.example.com'] });
  require('express-rate-limit').rateLimit({ limit: 100, windowMs: 60_000 });
  const { json, urlencoded } = require('body-parser');
  json();
  urlencoded({ extended: true });
  require('express-mongo-sanitize')();
  require('hpp')();`;
const WARM_UP = 2;
const eachPeer = (line) => PEERS.map(line).join('\n');

/** The subjects of each figure; `none` is what the others are held against. */
const FIGURES = {
  "require('carapace')": {
    none: '',
    peer: eachPeer((name) => `require('${name}');`),
    carapace: "require('carapace');",
    floor: `process.dlopen({ exports: {} }, ${JSON.stringify(addon)});`,
  },
  "import 'carapace'": {
    isModule: true,
    none: '',
    peer: eachPeer((name) => `import '${name}';`),
    carapace: "import 'carapace';",
  },
  'json() alone, beside Express': {
    none: "require('express');",
    carapace: "require('express'); require('carapace').json();",
  },
  'carapace(), beside Express': {
    none: "require('express');",
    carapace: "require('express'); require('carapace')();",
  },
  'a chain with CORS and a limit, beside Express': {
    none: "require('express');",
    peer: `require('express'); ${STACK}`,
    carapace: `require('express'); require('carapace')(${OPTIONS});`,
  },
};

/**
 * Starts Node with a program and waits for its end.
 * @returns {{ wall: number, cpu: number }} nanoseconds from start to end, and of its CPU time up to its exit
 */
function start(program, isModule) {
  const load = isModule ? "import { writeSync } from 'node:fs';" : "const { writeSync } = require('node:fs');";
  const tell = 'process.on("exit", () => writeSync(1, JSON.stringify(process.cpuUsage())));';
  const args = [...(isModule ? ['--input-type=module'] : []), '--eval', `${load}\n${program}\n${tell}`];
  const before = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  const wall = Number(process.hrtime.bigint() - before);
  if (status !== 0) throw new Error(`a process ended with ${status}: ${stderr}`);
  const { user, system } = JSON.parse(stdout);
  return { wall, cpu: (user + system) * 1000 };
}

/** What each subject takes, and what CPU time it adds to `none` of the same round: the median of the differences. */
function measure(rounds, { isModule = false, ...programs }) {
  const names = Object.keys(programs);
  const samples = Object.fromEntries(names.map((name) => [name, { wall: [], cpu: [] }]));
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round + WARM_UP) % names.length];
      const { wall, cpu } = start(programs[name], isModule);
      if (round < 0) continue;
      samples[name].wall.push(wall);
      samples[name].cpu.push(cpu);
    }
  }
  const addedBy = ({ cpu }) => cpu.map((value, round) => value - samples.none.cpu[round]);
  return Object.fromEntries(
    names.map((name) => [name, { ...summarize(samples[name]), added: quantile(addedBy(samples[name]), 0.5) }]),
  );
}

const report = openReport('load', {
  about: 'What loading the package adds to the start of a process, in CPU time.',
  packages: [...PEERS, 'express'],
  rounds: 31,
  quickRounds: 11,
});
const addStart = report.group('start', {
  title: 'CPU time that loading adds to the start of a process',
  by: 'added',
  subjects: { peer: 'the packages it replaces', carapace: 'carapace', floor: 'the native core alone' },
  note: `The packages are ${PEERS.slice(0, -1).join(', ')} and ${PEERS.at(-1)}.`,
});
for (const [title, programs] of Object.entries(FIGURES)) {
  if (report.isWanted(title)) addStart(title, measure(report.rounds, programs));
}
const addSize = report.group('size', {
  title: "The native core's file, stripped",
  unit: 'MB',
  subjects: { carapace: 'carapace' },
});
addSize('file', { carapace: { median: statSync(addon).size / 1e6 } });
report.finish();
