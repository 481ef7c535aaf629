// Holds the records of bench/records against bench/budgets.json: `npm run bench:check`. A miss that is known, with its reason, is told and
// does not fail the command; a new one does, and so does a budget without a figure.
import { printTable } from '../bench/harness.mjs';
import { budgetRows, isFailure, judge, readBudgets } from '../bench/harness/budgets.mjs';
import { figuresOf, readRecords } from '../bench/harness/records.mjs';

const judged = judge(readBudgets(), figuresOf(readRecords()));
printTable('budgets of carapace, as shares', budgetRows(judged));
for (const { id, known } of judged.filter(({ verdict }) => verdict === 'known miss')) console.log(`\n${id}: ${known}`);
const failed = judged.filter(isFailure);
console.log(
  `\n${judged.length} budgets, ${judged.filter(({ verdict }) => verdict === 'pass').length} hold, ${failed.length} new misses`,
);
process.exitCode = failed.length > 0 ? 1 : 0;
