// Writes docs/api.md from index.d.ts, whose comments are the one home of what options do. `node scripts/docs/api.mjs`; with --check it
// only says whether the page is up to date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Node, Project } from 'ts-morph';

const PAGE = 'docs/api.md';
const file = new Project({ compilerOptions: { strict: true } }).addSourceFileAtPath('index.d.ts');
const sections = file
  .getStatements()
  .filter(
    (statement) => Node.isExportable(statement) && (statement.isExported() || Node.isFunctionDeclaration(statement)),
  )
  .map(describe)
  .filter((section) => section !== undefined);

/** Functions of one name are one entry: its forms, or a function and the namespace of its name. */
const names = [...new Set(sections.map(({ name }) => name))];
const isCallable = (name) => sections.some((section) => section.name === name && section.isValue);
const text = [
  '# API reference',
  '',
  'Every export with its types and what its options do. Made from `index.d.ts` by `scripts/docs/api.mjs`.',
  '',
  '## Functions and classes',
  '',
  ...names.filter(isCallable).map(link),
  '',
  '## Types',
  '',
  ...names.filter((name) => !isCallable(name)).map(link),
  '',
  ...[...names.filter(isCallable), ...names.filter((name) => !isCallable(name))].flatMap((name) => [
    `## \`${name}\``,
    '',
    ...sections.filter((section) => section.name === name).flatMap(({ lines }) => lines),
  ]),
].join('\n');

const page = `${text.replace(/\n{3,}/g, '\n\n').trimEnd()}\n`;
const isCurrent = existsSync(PAGE) && readFileSync(PAGE, 'utf8') === page;
if (process.argv.includes('--check')) {
  if (!isCurrent) process.stderr.write(`${PAGE} is not up to date\nrun: node scripts/docs/api.mjs\n`);
  process.exitCode = isCurrent ? 0 : 1;
} else if (!isCurrent) writeFileSync(PAGE, page);

/** @param {string} name */
function link(name) {
  return `- [\`${name}\`](#${name.toLowerCase()})`;
}

/** @param {import('ts-morph').Statement} node */
function describe(node) {
  if (Node.isVariableStatement(node)) {
    const [declaration] = node.getDeclarations();
    return section(declaration.getName(), true, node, [code(node.getText())]);
  }
  if (Node.isModuleDeclaration(node)) {
    const members = node.getStatements().filter(Node.isFunctionDeclaration);
    return section(
      node.getName(),
      true,
      node,
      members.flatMap((member) => entry(member, `${node.getName()}.${member.getName()}`)),
    );
  }
  if (Node.isFunctionDeclaration(node)) {
    return section(node.getName() ?? 'carapace', true, node, [code(node.getText())]);
  }
  if (Node.isClassDeclaration(node)) return section(node.getName() ?? '', true, node, [code(node.getText())]);
  if (Node.isTypeAliasDeclaration(node)) return section(node.getName(), false, node, [code(node.getText())]);
  if (!Node.isInterfaceDeclaration(node)) return undefined;
  const bases = node.getExtends().map((base) => base.getText().replace(/\s+/g, ' '));
  const head = bases.length > 0 ? [`Extends ${bases.map((base) => `\`${base}\``).join(', ')}.`, ''] : [];
  const members = node.getMembers();
  const rows = members.filter(Node.isPropertySignature);
  const others = members.filter((member) => !Node.isPropertySignature(member));
  const table = rows.length > 0 ? ['| member | type | |', '|---|---|---|', ...rows.map(row), ''] : [];
  return section(node.getName(), false, node, [...head, ...table, ...others.flatMap((member) => entry(member))]);
}

/** @param {string} name @param {boolean} isValue @param {any} node @param {string[]} lines */
function section(name, isValue, node, lines) {
  return { name, isValue, lines: [...docsOf(node), '', ...lines, ''] };
}

/** @param {any} member @param {string} [title] */
function entry(member, title) {
  return [...(title ? [`### \`${title}\``, ''] : []), code(member.getText()), '', ...docsOf(member), ''];
}

/** @param {import('ts-morph').PropertySignature} property */
function row(property) {
  const type = property.getTypeNode()?.getText().replace(/\s+/g, ' ').replace(/^\| /, '').replaceAll('|', '\\|') ?? '';
  const docs = docsOf(property).join(' ').replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();
  return `| \`${property.getName()}${property.hasQuestionToken() ? '?' : ''}\` | \`${type}\` | ${docs} |`;
}

/** The comment without its frame; links become code, examples become blocks. @param {any} node */
function docsOf(node) {
  return node.getJsDocs().flatMap((docs) => {
    const tags = docs.getTags().map((tag) => {
      const comment = plain(tag.getCommentText() ?? '');
      if (tag.getTagName() === 'example') return `\n\`\`\`ts\n${comment}\n\`\`\`\n`;
      if (tag.getTagName() === 'param') return `- \`${tag.getName?.() ?? ''}\`: ${comment}`;
      return `- ${tag.getTagName()}: ${plain(
        tag
          .getText()
          .replace(/^@\w+\s*/, '')
          .replace(/^\s*\* ?/gm, ''),
      )}`;
    });
    return [plain(docs.getDescription()).trim(), '', ...tags];
  });
}

/** @param {string} text */
function plain(text) {
  return text.replace(/\{@link (\S+?)\}/g, '`$1`').trim();
}

/** @param {string} text */
function code(text) {
  return `\`\`\`ts\n${text.replace(/\/\*\*[^]*?\*\/\s*/g, '')}\n\`\`\``;
}
