// What the benchmarks share: subjects run interleaved in one process, so that heat, garbage and neighbours hit all alike.
import { cpus, totalmem } from 'node:os';

/**
 * Runs every subject in turn, round after round, each round starting with another one.
 * @param {number} rounds measured rounds; as many again, at most five, warm up first
 * @param {Record<string, (iterations: number) => void>} subjects each runs its work `iterations` times
 * @param {{ iterations?: number }} [options]
 * @returns {Record<string, { median: number, low: number, high: number, cpu: number }>} nanoseconds for one iteration:
 *   median, 10th and 90th percentile of wall time, and the median of user and system CPU time
 */
export function interleave(rounds, subjects, { iterations = 20_000 } = {}) {
  const names = Object.keys(subjects);
  const samples = Object.fromEntries(names.map((name) => [name, { wall: [], cpu: [] }]));
  const warmup = Math.min(rounds, 5);
  for (let round = -warmup; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round + warmup) % names.length];
      const sample = measure(subjects[name], iterations);
      if (round < 0) continue;
      samples[name].wall.push(sample.wall);
      samples[name].cpu.push(sample.cpu);
    }
  }
  return Object.fromEntries(names.map((name) => [name, summarize(samples[name])]));
}

function measure(subject, iterations) {
  globalThis.gc?.();
  const cpuBefore = process.cpuUsage();
  const before = process.hrtime.bigint();
  subject(iterations);
  const wall = Number(process.hrtime.bigint() - before) / iterations;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wall, cpu: ((user + system) * 1000) / iterations };
}

/**
 * @param {{ wall: number[], cpu?: number[] }} samples
 * @returns {{ median: number, low: number, high: number, cpu?: number }} as `interleave` gives them
 */
export function summarize({ wall, cpu }) {
  return {
    median: quantile(wall, 0.5),
    low: quantile(wall, 0.1),
    high: quantile(wall, 0.9),
    ...(cpu && { cpu: quantile(cpu, 0.5) }),
  };
}

/** The value below which the share `q` of the samples lies. */
export function quantile(samples, q) {
  const sorted = [...samples].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** Where the figures come from. */
export function machine() {
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

/**
 * Prints rows of one shape as a table with a title.
 * @param {string} title
 * @param {Record<string, string | number>[]} rows
 */
export function printTable(title, rows) {
  const columns = Object.keys(rows[0]);
  const cells = rows.map((row) => columns.map((column) => String(row[column])));
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((row) => row[index].length)));
  const line = (row) => row.map((cell, index) => cell[index ? 'padStart' : 'padEnd'](widths[index])).join('  ');
  console.log(`\n${title}\n${line(columns)}\n${widths.map((width) => '-'.repeat(width)).join('  ')}`);
  for (const row of cells) console.log(line(row));
}
