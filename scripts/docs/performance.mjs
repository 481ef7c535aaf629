// The words and tables of docs/performance.md that come from the records.
import { formatRatio, formatValue } from '../../bench/harness/format.mjs';
import { valueOf } from '../../bench/harness/records.mjs';

/** Who carapace is compared with first; the others are marks in a chart and columns in a table. */
export const baseOf = (group) => ['peer', 'twin', 'floor'].find((role) => group.subjects[role] !== undefined);

/** @returns {number | undefined} what carapace takes of what another takes */
export function shareOf(group, figure, role, subject = 'carapace') {
  const [part, whole] = [valueOf(group, figure, subject), valueOf(group, figure, role)];
  return part === undefined || whole === undefined || whole <= 0 ? undefined : part / whole;
}

/** Whether a share is above 1 when it is written down. */
export const isSlower = (share) => share >= 1.005;

/** One benchmark's tables. */
export function tablesOf(record) {
  return [`${record.about} ${versions(record)}`, ...record.groups.flatMap((group) => ['', ...tableOf(group)])].join(
    '\n',
  );
}

function versions({ versions, rounds, date, load, commit }) {
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const run = `${rounds.toLocaleString('en-US')} ${rounds > 1000 ? 'bodies' : 'rounds'}, ${date}${commit ? `, commit ${commit}` : ''}, load ${load}`;
  return `(${[...peers, run].join(', ')})`;
}

function tableOf(group) {
  const roles = Object.keys(group.subjects);
  const compared = ['peer', 'twin', 'floor', 'reader'].filter((role) => roles.includes(role));
  const names = roles.map((role) => group.subjects[role]);
  const ratios = compared.map((role) => `of ${group.subjects[role]}`);
  const rows = group.figures.map((figure) => {
    const cells = roles.map((role) => cell(group, figure, role));
    const shares = compared.map((role) => {
      const share = shareOf(group, figure, role);
      return share === undefined ? '' : mark(share);
    });
    return `| ${[figure.title, ...cells, ...shares].join(' | ')} |`;
  });
  const basis = { low: ', 10th percentile', median: ', median' }[group.by] ?? '';
  return [
    `**${group.title}${basis}**${group.note ? `. ${group.note}` : ''}`,
    '',
    `| | ${[...names, ...ratios].join(' | ')} |`,
    `|---|${'---|'.repeat(names.length + ratios.length)}`,
    ...rows,
  ];
}

const mark = (share) => (isSlower(share) ? `**${formatRatio(share)}**` : formatRatio(share));

function cell(group, figure, role) {
  const value = valueOf(group, figure, role);
  if (value === undefined) return '';
  const { is } = figure.subjects[role];
  return `${formatValue(value, group.unit)}${is ? ` (${is})` : ''}`;
}

/** The machine of the records, once for all of them. */
export function machineOf(records) {
  const lines = records.map(({ machine }) => {
    const { node, platform, cpu, cores, memoryGiB } = machine;
    return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${platform}, Node ${node}`;
  });
  return [...new Set(lines)].map((line) => `- ${line}`).join('\n');
}

/** Every figure where carapace takes more than `role` does, the worst first. */
export function slowerThan(records, role) {
  const all = records.flatMap(({ groups }) =>
    groups.flatMap((group) => group.figures.map((figure) => ({ group, figure, share: shareOf(group, figure, role) }))),
  );
  const compared = all.filter(({ share }) => share !== undefined);
  const slower = compared.filter(({ share }) => isSlower(share)).sort((left, right) => right.share - left.share);
  return { compared: compared.length, slower };
}

const LONGEST_LIST = 25;

/** A list of those figures, the worst of them, under a sentence with their number. */
export function slowerList(records, role, who) {
  const { compared, slower } = slowerThan(records, role);
  const which = slower.length > LONGEST_LIST ? `; the ${LONGEST_LIST} worst, the others are bold in the tables` : '';
  const head = `In ${slower.length} of ${compared} comparisons with ${who} carapace takes longer (or more)${which}:`;
  if (slower.length === 0) return `In none of ${compared} comparisons with ${who} carapace takes longer (or more).`;
  const rows = slower.slice(0, LONGEST_LIST).map(({ group, figure, share }) => {
    const name = figure.subjects[role].is ?? group.subjects[role];
    return `| ${group.title}: ${figure.title} | ${name} | ${formatRatio(share)} |`;
  });
  return [head, '', '| figure | beside | carapace takes |', '|---|---|---|', ...rows].join('\n');
}

/** Judged budgets that are missed, each with what limits it. */
export function missesOf(judged) {
  const pass = judged.filter(({ verdict }) => verdict === 'pass').length;
  const known = judged.filter(({ verdict }) => verdict === 'known miss');
  const rows = known.map(
    ({ id, subject, of, value, atMost, known: why }) =>
      `| \`${id}\`${subject === 'carapace' ? '' : ` (${subject})`} | ${of ?? ''} | ${formatRatio(value)} | ${atMost} | ${why} |`,
  );
  return [
    `${pass} of ${judged.length} budgets hold, ${known.length} are missed and known to be:`,
    '',
    '| figure | of | is | at most | what limits it |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
