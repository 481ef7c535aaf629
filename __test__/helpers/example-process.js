'use strict';

const { spawn, spawnSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const EXAMPLES = join(__dirname, '../../examples');

/**
 * Starts a file of examples/ on a free port, as a user would. It ends with the test.
 * @param {import('node:test').TestContext} context
 * @param {string} file such as `api-with-login/app.js`
 * @param {Record<string, string>} [environment]
 */
async function startExample(context, file, environment = {}) {
  const child = spawn(process.execPath, [join(EXAMPLES, file)], {
    env: { ...process.env, REDIS_URL: '', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  /** @type {Set<() => void>} */
  const listeners = new Set();
  const hear = (/** @type {unknown} */ chunk) => {
    output += chunk;
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => {
    child.on('exit', (code) => {
      resolve(code);
      hear('\n(ended)\n');
    });
  });
  // The children of a primary end with it: they lose their channel.
  context.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });

  /**
   * Waits until the example has printed what the pattern says.
   * @param {RegExp} pattern
   * @returns {Promise<RegExpMatchArray>}
   */
  const said = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const match = output.match(pattern);
        if (!match && !output.endsWith('(ended)\n')) return;
        listeners.delete(look);
        if (match) resolve(match);
        else reject(new Error(output));
      };
      listeners.add(look);
      look();
    });

  const [, port] = await said(/http:\/\/localhost:(\d+)/);
  return { port: Number(port), said, ended, child, output: () => output };
}

/**
 * Runs what the first `sh` block of an example's README says, in one shell and against the port.
 * @param {string} folder
 * @param {number} port
 * @returns {{ command: string, wanted: RegExp, got: string }[]} each command that a comment tells the output of
 */
function tryReadme(folder, port) {
  const [, block] = /```sh\n(.*?)```/s.exec(readFileSync(join(EXAMPLES, folder, 'README.md'), 'utf8')) ?? [];
  if (block === undefined) throw new Error(`the README of ${folder} has nothing to try`);
  const lines = block.trim().split('\n');
  const script = lines.map((line) => (line.startsWith('# ') ? "printf '\\036'" : line)).join('\n');
  const local = script.replaceAll('localhost:3000', `127.0.0.1:${port}`);
  const { stdout, stderr, error } = spawnSync('sh', ['-c', local], { encoding: 'utf8', timeout: 20_000 });
  if (error) throw error;
  const outputs = stdout.split('\x1e');
  return lines
    .flatMap((line, index) => (line.startsWith('# ') ? [[lines[index - 1], line.slice(2)]] : []))
    .map(([command, wanted], index) => ({
      command,
      wanted: new RegExp(`^${wanted.split('…').map(escape).join('[^]*')}$`),
      got: `${outputs[index]}${stderr}`.trim(),
    }));
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Whether the README's lines can be run here. */
function hasCurl() {
  return spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0;
}

module.exports = { hasCurl, startExample, tryReadme };
