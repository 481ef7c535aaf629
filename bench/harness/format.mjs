// How figures are written: the same in the terminal, in docs/performance.md and in the charts.

const STEPS = {
  ns: [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e4, 'µs', 1e3],
  ],
};

/** A figure's id from the names of its parts: `slug('2 KB ASCII')` is `2-kb-ascii`. */
export const slug = (text) =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

/**
 * @param {number} value
 * @param {string} unit `ns` grows to µs, ms and s; any other unit stays
 */
export function formatValue(value, unit) {
  const step = STEPS[unit]?.find(([from]) => Math.abs(value) >= from);
  if (step === undefined) return `${digits(value)} ${unit}`.trim();
  const [from, name, divisor = from] = step;
  return `${digits(value / divisor)} ${name}`;
}

/** Three significant digits, whole from 100 on, thousands set apart. */
function digits(value) {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** @param {number} ratio */
export function formatRatio(ratio) {
  if (ratio > 0 && ratio < 0.095) return String(Number(ratio.toPrecision(2)));
  return ratio.toFixed(ratio >= 10 ? 0 : 2);
}
