// Draws docs/admitted-traffic.svg: what each algorithm lets through when a client sends far more than its limit. The
// traffic runs through the limiter itself, under a clock of its own.
import { writeFileSync } from 'node:fs';
import { mock } from 'node:test';
import carapace from '../index.js';

const LIMIT = 60;
const WINDOW_MS = 60_000;
const STEP_MS = 500;
const END_MS = 240_000;
const QUIET_UNTIL_MS = 50_000;

/** A few requests first, so that the window is open; then ten requests each half second. */
function requestsAt(time) {
  if (time === 0) return 1;
  return time >= QUIET_UNTIL_MS ? 10 : 0;
}

const ALGORITHMS = [
  ['fixed-window', '#c2410c', { algorithm: 'fixed-window' }],
  ['sliding-window', '#1d4ed8', { algorithm: 'sliding-window' }],
  ['gcra, burst 10', '#15803d', { algorithm: 'gcra', burst: 10 }],
];

function admitted(options) {
  mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
  const limiter = carapace.rateLimit({ limit: LIMIT, windowMs: WINDOW_MS, headers: false, mode: 'report', ...options });
  const counts = [];
  for (let time = 0; time < END_MS; time += STEP_MS) {
    let passed = 0;
    for (let count = requestsAt(time); count > 0; count -= 1) {
      const request = { headers: {}, socket: { remoteAddress: '192.0.2.1' } };
      limiter(request, { headersSent: true }, () => {});
      if (isAllowed(request)) passed += 1;
    }
    counts.push(passed);
    mock.timers.tick(STEP_MS);
  }
  mock.timers.reset();
  return counts;
}

let last;
function isAllowed() {
  return last;
}
(await import('node:diagnostics_channel')).subscribe('carapace:decision', ({ action }) => {
  last = action === 'allow';
});

/** How many passed in the window that ends at each step. */
function inLastWindow(counts) {
  const steps = WINDOW_MS / STEP_MS;
  return counts.map((_, index) =>
    counts.slice(Math.max(0, index - steps + 1), index + 1).reduce((sum, count) => sum + count, 0),
  );
}

const WIDTH = 760;
const HEIGHT = 320;
const BOX = { left: 48, right: 16, top: 56, bottom: 36 };
const MOST = 2 * LIMIT + 10;
const x = (time) => (BOX.left + (time / END_MS) * (WIDTH - BOX.left - BOX.right)).toFixed(1);
const y = (count) => (HEIGHT - BOX.bottom - (count / MOST) * (HEIGHT - BOX.top - BOX.bottom)).toFixed(1);

function line(values, color) {
  const points = values.map((value, index) => `${x(index * STEP_MS)},${y(value)}`).join(' ');
  return `<polyline fill="none" stroke="${color}" stroke-width="2" points="${points}"/>`;
}

const results = ALGORITHMS.map(([name, color, options]) => {
  const values = inLastWindow(admitted(options));
  return { name, color, values, most: Math.max(...values) };
});

const text = (left, top, content, more = '') => `<text x="${left}" y="${top}"${more}>${content}</text>`;
const grid = [0, LIMIT, 2 * LIMIT].map(
  (count) =>
    `<line x1="${BOX.left}" x2="${WIDTH - BOX.right}" y1="${y(count)}" y2="${y(count)}" stroke="#9ca3af" stroke-dasharray="4 4"/>${text(BOX.left - 8, Number(y(count)) + 4, count, ' text-anchor="end"')}`,
);
const ticks = [0, 60, 120, 180, 240].map((second) =>
  text(x(second * 1000), HEIGHT - 12, `${second} s`, ' text-anchor="middle"'),
);
const legend = results.map(({ name, color, most }, index) =>
  text(BOX.left + index * 230, 40, `${name}: at most ${most}`, ` fill="${color}" font-weight="bold"`),
);
writeFileSync(
  new URL('../docs/admitted-traffic.svg', import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#6b7280">
<title>Requests let through in the last 60 seconds, limit 60 a minute</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
${text(BOX.left, 20, 'Requests let through in the last 60 s. Limit 60 a minute; one request at 0 s, twenty a second from 50 s on', ' fill="#111827"')}
${[...legend, ...grid, ...ticks, ...results.map(({ values, color }) => line(values, color))].join('\n')}
</svg>
`,
);
for (const { name, most } of results) console.log(`${name}: at most ${most} in 60 s`);
