// The report of one benchmark: figures in groups, printed as tables, held against the budgets, written as a record on request.
//   --quick      fewer rounds
//   --rounds <n> so many
//   --steady     ratios from the 10th percentile in place of the median wall time, for a machine with neighbours
//   --only <t>   only what has this in its title
//   --record     writes bench/records/<name>.json
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { machine, printTable } from '../harness.mjs';
import { budgetRows, isFailure, judge, readBudgets } from './budgets.mjs';
import { formatRatio, formatValue, slug } from './format.mjs';
import { checkRecord, figuresOf, valueOf, writeRecord } from './records.mjs';

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  steady: { type: 'boolean', default: false },
  only: { type: 'string' },
  record: { type: 'boolean', default: false },
};
const ROLES = ['peer', 'twin', 'floor'];

/**
 * @param {string} benchmark the file's name
 * @param {{ about: string, packages: string[], rounds: number, quickRounds: number }} options about: one sentence on what is measured
 */
export function openReport(benchmark, { about, packages, rounds, quickRounds }) {
  const { values } = parseArgs({ options: OPTIONS });
  const record = {
    benchmark,
    about,
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    rounds: Number(values.rounds ?? (values.quick ? quickRounds : rounds)),
    load: Number(loadavg()[0].toFixed(1)),
    machine: machine(),
    versions: Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
    seconds: 0,
    groups: [],
  };
  const start = performance.now();
  return {
    rounds: record.rounds,
    isQuick: values.quick,
    isWanted: (title) => !values.only || title.includes(values.only),

    /**
     * Opens a group of figures with the same subjects.
     * @param {string} key its part of the figures' ids
     * @param {{ title: string, subjects: Record<string, string>, unit?: string, by?: string, note?: string }} options
     * @returns {(title: string, subjects: Record<string, import('./records.mjs').Measured>) => void} adds a figure
     */
    group(key, { title, subjects, unit = 'ns', by = 'median', note }) {
      const isWall = by === 'median' && unit === 'ns';
      const group = {
        id: `${benchmark}.${key}`,
        title,
        unit,
        by: values.steady && isWall ? 'low' : by,
        subjects,
        note,
      };
      group.figures = [];
      record.groups.push(group);
      return (name, measured) => {
        const figure = { id: `${group.id}.${slug(name)}`, title: name, subjects: pick(subjects, measured) };
        group.figures.push(figure);
      };
    },

    /** Prints everything; the exit code is 1 when a budget is missed that was not known to be. */
    finish() {
      record.groups = record.groups.filter(({ figures }) => figures.length > 0);
      record.seconds = Math.round((performance.now() - start) / 1000);
      checkRecord(record);
      for (const group of record.groups) printGroup(group);
      printBudgets(record);
      if (values.record) writeRecord(record);
      const { node, cpu, cores } = record.machine;
      console.log(
        `\nNode ${node}, ${cpu}, ${cores} cores, load ${record.load}; ${record.rounds} rounds in ${record.seconds} s`,
      );
    },
  };
}

/** The subjects that the group names, figures with four digits. */
function pick(subjects, measured) {
  const short = (value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);
  return Object.fromEntries(
    Object.keys(subjects)
      .filter((role) => measured[role] !== undefined)
      .map((role) => [
        role,
        Object.fromEntries(Object.entries(measured[role]).map(([field, value]) => [field, short(value)])),
      ]),
  );
}

function printGroup(group) {
  const roles = Object.keys(group.subjects);
  const compared = ROLES.filter((role) => roles.includes(role));
  const rows = group.figures.map((figure) => {
    const value = (role) => valueOf(group, figure, role);
    const cell = (role) => (value(role) === undefined ? '' : formatValue(value(role), group.unit));
    // Of what costs nothing, or less, there is no share.
    const share = (role) => (value(role) > 0 ? formatRatio(value('carapace') / value(role)) : '');
    return {
      [group.id]: figure.title,
      ...Object.fromEntries(roles.map((role) => [group.subjects[role], cell(role)])),
      ...Object.fromEntries(compared.map((role) => [`of ${role}`, share(role)])),
    };
  });
  printTable(group.title, rows);
}

function printBudgets(record) {
  const figures = figuresOf([record]);
  const judged = judge(
    readBudgets().filter(({ id }) => figures.has(id)),
    figures,
  );
  if (judged.length === 0) return;
  printTable('budgets', budgetRows(judged));
  if (judged.some(isFailure)) process.exitCode = 1;
}

function versionOf(name) {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

/** The commit that was measured; undefined outside a repository. */
function commit() {
  const git = (...args) => spawnSync('git', args, { encoding: 'utf8' }).stdout?.trim();
  const hash = git('rev-parse', '--short', 'HEAD');
  if (!hash) return undefined;
  return git('status', '--porcelain', '--', 'src', 'lib', 'compat', 'index.js') ? `${hash} and changes` : hash;
}
