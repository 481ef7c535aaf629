// Draws docs/protections.svg: a terminal with what examples/hardened-app.js really answers to attacks. `node scripts/docs/terminal.mjs`
// starts the app, runs the lines below in a shell (curl is needed) and renders what they print; with --check [file] it only says
// whether the picture still shows that, times apart.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const JSON_TYPE = "-H 'content-type: application/json'";
const SCENES = [
  [
    'operators and prototypes are gone before any object exists',
    `curl -s localhost:3000/echo ${JSON_TYPE} \\\n    -d '{"email":"admin@example.com","password":{"$ne":null},"__proto__":{"isAdmin":true}}'`,
  ],
  [
    'five guesses an hour for each client',
    `for guess in 1 2 3 4 5 6; do curl -s -o /dev/null -w '%{http_code} ' -X POST localhost:3000/login; done`,
  ],
  ['', `curl -si -X POST localhost:3000/login | grep -iE '^(http|ratelimit:|retry-after)|code'`],
  ['a body of 20 kB where 10 kB are allowed', `printf '"%020000d"' 0 | curl -s localhost:3000/echo ${JSON_TYPE} -d @-`],
  [
    'headers on every answer; X-Powered-By is gone',
    `curl -sI localhost:3000 | cut -c 1-108 | grep -E '^(content-security|cross|referrer|x-[cf])'`,
  ],
  ['', `curl -sI localhost:3000 | grep -ci x-powered-by`],
];
const COLUMNS = 108;
const FONT_PX = 13;
const LINE_PX = 19;
const MARGIN_PX = 20;
const BAR_PX = 34;

const { values: options, positionals } = parseArgs({
  options: { check: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const picture = positionals[0] ?? fileURLToPath(new URL('../../docs/protections.svg', import.meta.url));
const lines = await record();
if (!options.check) {
  writeFileSync(picture, draw(lines));
} else {
  const [shown, wanted] = [textOf(readFileSync(picture, 'utf8')), textOf(draw(lines))];
  if (shown !== wanted) {
    process.stderr.write(`${picture} does not show what the app answers:\n${wanted}\n`);
    process.exitCode = 1;
  }
}

/** Plays the scenes against the app. @returns {Promise<{ kind: string, text: string }[]>} the lines of the terminal */
async function record() {
  const app = spawn(process.execPath, [fileURLToPath(new URL('../../examples/hardened-app.js', import.meta.url))], {
    env: { ...process.env, PORT: '0', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const port = await portOf(app);
    return SCENES.flatMap(([comment, command], index) => [
      ...(comment
        ? [...(index > 0 ? [{ kind: 'output', text: '' }] : []), { kind: 'comment', text: `# ${comment}` }]
        : []),
      ...command.split('\n').map((text, row) => ({ kind: row === 0 ? 'command' : 'more', text })),
      ...wrap(run(command, port)).map((text) => ({ kind: 'output', text })),
    ]);
  } finally {
    app.kill();
  }
}

/** @param {import('node:child_process').ChildProcess} app @returns {Promise<string>} */
function portOf(app) {
  return new Promise((resolve, reject) => {
    let output = '';
    app.stdout?.on('data', (chunk) => {
      output += chunk;
      const [, port] = /http:\/\/localhost:(\d+)/.exec(output) ?? [];
      if (port) resolve(port);
    });
    app.on('exit', () => reject(new Error(`the app ended:\n${output}`)));
  });
}

/** @param {string} command @param {string} port */
function run(command, port) {
  const local = command.replaceAll('localhost:3000', `127.0.0.1:${port}`);
  const { stdout, error } = spawnSync('sh', ['-c', local], { encoding: 'utf8', timeout: 20_000 });
  if (error) throw error;
  if (stdout === '') throw new Error(`printed nothing: ${command}`);
  return stdout;
}

/** Lines as a terminal of so many columns breaks them. @param {string} output */
function wrap(output) {
  const wrapped = output.replaceAll('\r', '').trimEnd().split('\n');
  return wrapped.flatMap((line) => line.match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? ['']);
}

/** @param {{ kind: string, text: string }[]} lines */
function draw(lines) {
  const width = Math.ceil(COLUMNS * FONT_PX * 0.61) + 2 * MARGIN_PX;
  const height = BAR_PX + lines.length * LINE_PX + 2 * MARGIN_PX - 6;
  const rows = lines.map(({ kind, text }, index) => {
    const y = BAR_PX + MARGIN_PX + index * LINE_PX + 6;
    const prompt = kind === 'command' ? '<tspan class="prompt">$ </tspan>' : '';
    return `<text x="${MARGIN_PX}" y="${y}" class="${kind}" xml:space="preserve">${prompt}${escape(text)}</text>`;
  });
  const lights = ['#ff5f57', '#febc2e', '#28c840'].map(
    (color, index) => `<circle cx="${MARGIN_PX + 4 + index * 20}" cy="${BAR_PX / 2}" r="6" fill="${color}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-size="${FONT_PX}" font-family="ui-monospace, Menlo, 'DejaVu Sans Mono', Consolas, monospace">
<title>A terminal: what a hardened app answers to attacks</title>
<style>text { fill: #c9d1d9 } .prompt { fill: #3fb950 } .command, .more { fill: #ffffff; font-weight: bold } .comment { fill: #8b949e }</style>
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
<rect width="${width}" height="${BAR_PX}" rx="10" fill="#21262d"/>
${lights.join('')}
${rows.join('\n')}
</svg>
`;
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** What a picture shows, without what another second changes. @param {string} svg */
function textOf(svg) {
  const rows = [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, row]) => row.replace(/<[^>]+>/g, ''));
  return rows.join('\n').replace(/(?<=retry-after: |;t=|try again in )\d+/gi, '…');
}
