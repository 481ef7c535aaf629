// Budgets: what a figure may be, as a share of another subject of the same run. bench/budgets.json gives, by figure id, one budget or a list:
//   of        the subject compared with (peer, twin, floor …); without it `atMost` is in the figure's own unit
//   atMost    the most that the share may be
//   subject   who is judged; carapace when left out
//   known     why the budget is missed, for one that is; with knownUpTo, the share above which it is a new miss all the same
import { readFileSync } from 'node:fs';
import { valueOf } from './records.mjs';

const FILE = new URL('../budgets.json', import.meta.url);
const KEYS = new Set(['of', 'atMost', 'subject', 'known', 'knownUpTo']);

/** @returns {{ id: string, of?: string, atMost: number, subject: string, known?: string, knownUpTo?: number }[]} */
export function readBudgets(text = readFileSync(FILE, 'utf8')) {
  return Object.entries(JSON.parse(text)).flatMap(([id, given]) =>
    [given].flat().map((budget) => {
      for (const key of Object.keys(budget)) if (!KEYS.has(key)) throw new TypeError(`budget ${id}: unknown ${key}`);
      if (!(budget.atMost >= 0)) throw new TypeError(`budget ${id}: atMost is ${budget.atMost}`);
      if ((budget.known === undefined) !== (budget.knownUpTo === undefined)) {
        throw new TypeError(`budget ${id}: known and knownUpTo go together`);
      }
      return { id, subject: 'carapace', ...budget };
    }),
  );
}

/**
 * @param {ReturnType<typeof readBudgets>} budgets
 * @param {ReturnType<import('./records.mjs').figuresOf>} figures
 * @returns {(ReturnType<typeof readBudgets>[number] & { value?: number, verdict: 'pass' | 'known miss' | 'miss' | 'no figure' })[]}
 */
export function judge(budgets, figures) {
  return budgets.map((budget) => {
    const value = shareOf(budget, figures.get(budget.id));
    return { ...budget, value, verdict: verdictOf(budget, value) };
  });
}

function shareOf({ subject, of }, found) {
  if (found === undefined) return undefined;
  const part = valueOf(found.group, found.figure, subject);
  const whole = of === undefined ? 1 : valueOf(found.group, found.figure, of);
  return part === undefined || whole === undefined ? undefined : part / whole;
}

function verdictOf({ atMost, knownUpTo }, value) {
  if (value === undefined || Number.isNaN(value)) return 'no figure';
  if (value <= atMost) return 'pass';
  return value <= knownUpTo ? 'known miss' : 'miss';
}

/** A verdict that fails the command. */
export const isFailure = ({ verdict }) => verdict === 'miss' || verdict === 'no figure';

/** Judged budgets as rows of a table. */
export const budgetRows = (judged) =>
  judged.map(({ id, subject, of = '', value, atMost, verdict }) => ({
    figure: subject === 'carapace' ? id : `${id} (${subject})`,
    of,
    is: value === undefined ? '' : Number(value.toPrecision(3)),
    'at most': atMost,
    '': verdict,
  }));
