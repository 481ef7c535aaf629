// Writes npm/<platform>/package.json and README.md of every platform from the main manifest, so that versions are always equal:
// `node scripts/package/manifests.mjs`; with --check it only says which files differ.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLATFORMS, packageName } from './platforms.mjs';

const main = JSON.parse(readFileSync('package.json', 'utf8'));

/** @param {typeof PLATFORMS[number]} platform */
function manifestOf({ name, target, os, cpu, libc, file }) {
  return {
    name: packageName(name),
    version: main.version,
    description: `The native core of carapace for ${name}`,
    license: main.license,
    ...(main.repository && { repository: main.repository }),
    main: file,
    files: [file, 'THIRD-PARTY-LICENSES.md', 'sbom.cdx.json'],
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    engines: main.engines,
    preferUnplugged: true,
    carapace: { target },
  };
}

/** @param {typeof PLATFORMS[number]} platform */
const readmeOf = ({ name, target }) =>
  `# ${packageName(name)}\n\nThe native core of carapace for ${target}. carapace installs it by itself; do not depend on it.\n`;

const stale = [];
for (const platform of PLATFORMS) {
  const folder = join('npm', platform.name);
  const texts = {
    'package.json': `${JSON.stringify(manifestOf(platform), null, 2)}\n`,
    'README.md': readmeOf(platform),
  };
  for (const [file, text] of Object.entries(texts)) {
    const path = join(folder, file);
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    stale.push(path);
    if (process.argv.includes('--check')) continue;
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, text);
  }
}
if (process.argv.includes('--check') && stale.length > 0) {
  process.stderr.write(`not up to date: ${stale.join(', ')}\nrun: node scripts/package/manifests.mjs\n`);
  process.exitCode = 1;
}
