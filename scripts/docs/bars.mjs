// Draws shares as horizontal bars in an SVG: one bar for each figure, 1 is what carapace is compared with, marks for the plain-JavaScript
// twin and the floor. Colours follow the reader's light or dark setting.
import { isSlower } from './performance.mjs';

const WIDTH = 900;
const ROW = 24;
const LABEL = 335;
const RIGHT = 180;
const TOP = 66;
const AXIS = 26;
/** Shares above this are cut, with their number beside. */
const MOST = 1.5;

const STYLE = `
svg { --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --good: #0969da; --slow: #bc4c00; --mark: #1f2328 }
@media (prefers-color-scheme: dark) {
  svg { --paper: #0d1117; --ink: #f0f6fc; --soft: #9198a1; --line: #3d444d; --good: #4493f8; --slow: #f0883e; --mark: #f0f6fc }
}
text { font: 13px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: var(--ink) }
.title { font-size: 16px; font-weight: 600 } .soft { fill: var(--soft) } .group { font-weight: 600 }
.good { fill: var(--good) } .slow { fill: var(--slow) } .line { stroke: var(--line) } .one { stroke: var(--soft); stroke-dasharray: 4 3 }
.cut { fill: var(--paper) } .twin { fill: var(--paper); stroke: var(--mark); stroke-width: 2 } .floor { stroke: var(--mark); stroke-width: 2 }`;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const round = (number) => Number(number.toFixed(1));
const x = (share) => round(LABEL + (Math.min(Math.max(share, 0), MOST) / MOST) * (WIDTH - LABEL - RIGHT));

/**
 * @typedef {{ label: string, share: number, value: string, twin?: number, floor?: number }} Bar shares of what carapace is compared with
 * @param {{ title: string, legend: string, groups: { title: string, bars: Bar[] }[] }} chart
 * @returns {string} the SVG
 */
export function drawBars({ title, legend, groups }) {
  const parts = [];
  let top = TOP;
  for (const { title: heading, bars } of groups) {
    if (heading) {
      parts.push(text(16, top + 20, heading, 'group'));
      top += ROW + 4;
    }
    for (const bar of bars) {
      parts.push(drawBar(bar, top));
      top += ROW;
    }
    top += 10;
  }
  const height = top + AXIS;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">
<style>${STYLE}</style>
<rect width="${WIDTH}" height="${height}" fill="var(--paper)"/>
${text(16, 26, title, 'title')}
${text(16, 48, legend, 'soft')}
${drawAxis(top)}
${parts.join('\n')}
</svg>
`;
}

function drawBar({ label, share, value, twin, floor }, top) {
  const middle = top + ROW / 2;
  const end = x(share);
  const length = Math.max(1, round(end - LABEL));
  const kind = isSlower(share) ? 'slow' : 'good';
  const number = isSlower(share) ? `${value}, slower` : value;
  const marks = [
    share > MOST && `<path class="cut" d="M${end - 12} ${top + 2} l6 ${ROW - 4} h5 l-6 -${ROW - 4} z"/>`,
    twin !== undefined && `<circle class="twin" cx="${x(twin)}" cy="${middle}" r="4.5"/>`,
    floor !== undefined &&
      `<line class="floor" x1="${x(floor)}" x2="${x(floor)}" y1="${top + 3}" y2="${top + ROW - 3}"/>`,
  ].filter(Boolean);
  return [
    text(LABEL - 10, middle + 4.5, label, '', 'end'),
    `<rect class="${kind}" x="${LABEL}" y="${top + 4}" width="${length}" height="${ROW - 8}" rx="2"/>`,
    ...marks,
    text(WIDTH - RIGHT + 12, middle + 4.5, number, isSlower(share) ? 'slow' : ''),
  ].join('\n');
}

function drawAxis(bottom) {
  return [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5]
    .map((share) => {
      const at = x(share);
      const line = `<line class="${share === 1 ? 'one' : 'line'}" x1="${at}" x2="${at}" y1="${TOP - 4}" y2="${bottom - 4}"/>`;
      return line + text(at, bottom + 14, String(share), 'soft', 'middle');
    })
    .join('\n');
}

function text(left, top, content, kind = '', anchor = '') {
  const attributes = `${kind && ` class="${kind}"`}${anchor && ` text-anchor="${anchor}"`}`;
  return `<text x="${left}" y="${top}"${attributes}>${escape(content)}</text>`;
}
