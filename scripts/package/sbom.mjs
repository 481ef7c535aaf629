// Software bills of materials in CycloneDX 1.6: what is compiled into a core, and what the main package depends on.
import { compiledCrates } from './licenses.mjs';

/**
 * @param {string} target the Rust target
 * @param {string} name of the platform package
 * @param {string} version
 */
export function sbomOfCrates(target, name, version) {
  const components = compiledCrates(target).map((crate) => ({
    type: 'library',
    'bom-ref': `pkg:cargo/${crate.name}@${crate.version}`,
    name: crate.name,
    version: crate.version,
    purl: `pkg:cargo/${crate.name}@${crate.version}`,
    licenses: [{ expression: crate.license.replaceAll('/', ' OR ') }],
  }));
  return document(name, version, components);
}

/**
 * The main package has no dependencies but its own platform packages.
 * @param {{ name: string, version: string, dependencies?: object }} manifest
 */
export function sbomOfPackage({ name, version, dependencies }) {
  if (Object.keys(dependencies ?? {}).length > 0) {
    throw new Error('the package has dependencies, which this bill does not list');
  }
  return document(name, version, []);
}

/** @param {string} name @param {string} version @param {object[]} components */
function document(name, version, components) {
  const purl = `pkg:npm/${name}@${version}`;
  const component = { type: 'library', 'bom-ref': purl, name, version, purl, licenses: [{ expression: 'MIT' }] };
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
  };
  return `${JSON.stringify({ ...bom, metadata: { component }, components }, null, 2)}\n`;
}
