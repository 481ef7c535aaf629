// What a benchmark leaves behind: bench/records/<name>.json, which bench/budgets.json, the charts and docs/performance.md read.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';

/**
 * @typedef {{ median: number, low?: number, high?: number, cpu?: number, added?: number, own?: number, is?: string }} Measured
 *   median, 10th and 90th percentile, CPU time; `added` over a run without the subject; `own` without Node's part; `is` names
 *   who takes part where that differs from figure to figure
 * @typedef {{ id: string, title: string, subjects: Record<string, Measured> }} Figure
 * @typedef {{ id: string, title: string, unit: string, by: keyof Measured, subjects: Record<string, string>, note?: string, figures: Figure[] }} Group
 *   `by` is the field that ratios are made of, `subjects` the names of who takes part by role: carapace, peer, twin, floor and others
 * @typedef {{ benchmark: string, about: string, date: string, commit?: string, rounds: number, load: number, seconds: number, machine: object, versions: Record<string, string>, groups: Group[] }} BenchmarkRecord
 *   `load` is the machine's load average of a minute when it began, `seconds` how long it took
 */

const FOLDER = new URL('../records/', import.meta.url);
const FIELDS = ['median', 'low', 'high', 'cpu', 'added', 'own'];

/** @param {BenchmarkRecord} record */
export function writeRecord(record) {
  checkRecord(record);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(new URL(`${record.benchmark}.json`, FOLDER), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** @returns {BenchmarkRecord[]} all that are committed, each checked */
export function readRecords(folder = FOLDER) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const record = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
      checkRecord(record);
      if (`${record.benchmark}.json` !== file) throw new Error(`${file} holds the benchmark ${record.benchmark}`);
      return record;
    });
}

/**
 * @param {BenchmarkRecord[]} records
 * @returns {Map<string, { group: Group, figure: Figure }>} by the figure's id
 */
export function figuresOf(records) {
  return new Map(
    records.flatMap(({ groups }) =>
      groups.flatMap((group) => group.figures.map((figure) => [figure.id, { group, figure }])),
    ),
  );
}

/** The figure that ratios of this group are made of; undefined where the subject took no part. */
export const valueOf = (group, figure, role) => figure.subjects[role]?.[group.by];

/** Throws where a record is not what its readers take it for. */
export function checkRecord(record) {
  const fail = (what) => {
    throw new TypeError(`record ${record.benchmark}: ${what}`);
  };
  for (const name of ['benchmark', 'about', 'date']) if (typeof record[name] !== 'string') fail(`no ${name}`);
  for (const name of ['node', 'cpu', 'platform']) {
    if (typeof record.machine?.[name] !== 'string') fail(`no machine.${name}`);
  }
  if (!(record.rounds > 0)) fail('no rounds');
  const seen = new Set();
  for (const group of record.groups) {
    if (!group.subjects.carapace) fail(`${group.id} has no carapace`);
    if (!FIELDS.includes(group.by)) fail(`${group.id} is by ${group.by}`);
    for (const figure of group.figures) {
      if (seen.has(figure.id)) fail(`${figure.id} is there twice`);
      seen.add(figure.id);
      if (!figure.id.startsWith(`${record.benchmark}.`)) fail(`${figure.id} belongs to another benchmark`);
      checkFigure(group, figure, fail);
    }
  }
}

function checkFigure(group, figure, fail) {
  if (!figure.subjects.carapace) fail(`${figure.id} has no carapace`);
  for (const [role, measured] of Object.entries(figure.subjects)) {
    if (!group.subjects[role]) fail(`${figure.id} has ${role}, which ${group.id} does not name`);
    if (!Number.isFinite(measured[group.by])) fail(`${figure.id} has no ${group.by} of ${role}`);
    for (const field of FIELDS) {
      if (measured[field] !== undefined && !Number.isFinite(measured[field])) fail(`${figure.id}: ${role}.${field}`);
    }
    if (measured.low > measured.median || measured.high < measured.median) fail(`${figure.id}: spread of ${role}`);
  }
}
