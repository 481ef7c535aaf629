// The licence texts of every crate that is compiled into the core, for THIRD-PARTY-LICENSES.md of each platform package.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @param {string} target the Rust target that the core is built for
 * @returns {string} Markdown: a section for each crate, equal texts once
 */
export function licensesOf(target) {
  const packages = compiledCrates(target);
  /** @type {Map<string, string[]>} */
  const texts = new Map();
  for (const { name, version, license, manifest_path: manifest } of packages) {
    const text = licenseText(dirname(manifest)) ?? `Licence: ${license} (the crate holds no text of its own)`;
    const title = `${name} ${version} (${license})`;
    texts.set(text, [...(texts.get(text) ?? []), title]);
  }
  const sections = [...texts].map(
    ([text, titles]) => `## ${titles.join(', ')}\n\n\`\`\`text\n${text.trim()}\n\`\`\`\n`,
  );
  return `# Licences of the crates in this binary\n\n${packages.length} crates.\n\n${sections.join('\n')}`;
}

/**
 * The crates that `cargo build` links for the target: normal dependencies, without those that only run while building.
 * @param {string} target
 * @returns {{ name: string, version: string, license: string, manifest_path: string }[]}
 */
export function compiledCrates(target) {
  const tree = cargo([
    'tree',
    '--locked',
    '--edges',
    'normal',
    '--prefix',
    'none',
    '--format',
    '{p}',
    '--target',
    target,
  ]);
  const wanted = new Set(
    tree
      .split('\n')
      .map((line) => /^(\S+) v(\S+)(?! \(proc-macro\))/.exec(line))
      .filter((match) => match !== null && match[1] !== 'carapace')
      .map(([, name, version]) => `${name}@${version}`),
  );
  const { packages } = JSON.parse(
    cargo(['metadata', '--locked', '--format-version', '1', '--filter-platform', target]),
  );
  return packages
    .filter(({ name, version }) => wanted.has(`${name}@${version}`))
    .sort((one, other) => one.name.localeCompare(other.name) || one.version.localeCompare(other.version));
}

/** @param {string} folder of the crate */
function licenseText(folder) {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files
    .sort()
    .map((file) => join(folder, file))
    .filter(isFile)
    .map((file) => readFileSync(file, 'utf8'));
  return texts.length > 0 ? texts.join('\n\n') : undefined;
}

/** @param {string} path */
function isFile(path) {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

/** @param {string[]} args */
function cargo(args) {
  const { status, stdout, stderr } = spawnSync('cargo', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`cargo ${args[0]} failed: ${stderr}`);
  return stdout;
}
