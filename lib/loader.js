'use strict';

const { CarapaceError } = require('./errors');
const { version } = require('../package.json');

// Literal requires, so that bundlers and file tracers see them. A local build comes before the installed package.
/** @type {Record<string, [string, () => unknown][]>} */
const CANDIDATES = {
  'linux-x64-gnu': [
    ['./native/carapace.linux-x64-gnu.node', () => require('./native/carapace.linux-x64-gnu.node')],
    ['carapace-linux-x64-gnu', () => require('carapace-linux-x64-gnu')],
  ],
  'linux-x64-musl': [
    ['./native/carapace.linux-x64-musl.node', () => require('./native/carapace.linux-x64-musl.node')],
    ['carapace-linux-x64-musl', () => require('carapace-linux-x64-musl')],
  ],
  'linux-arm64-gnu': [
    ['./native/carapace.linux-arm64-gnu.node', () => require('./native/carapace.linux-arm64-gnu.node')],
    ['carapace-linux-arm64-gnu', () => require('carapace-linux-arm64-gnu')],
  ],
  'linux-arm64-musl': [
    ['./native/carapace.linux-arm64-musl.node', () => require('./native/carapace.linux-arm64-musl.node')],
    ['carapace-linux-arm64-musl', () => require('carapace-linux-arm64-musl')],
  ],
  'darwin-x64': [
    ['./native/carapace.darwin-x64.node', () => require('./native/carapace.darwin-x64.node')],
    ['carapace-darwin-x64', () => require('carapace-darwin-x64')],
  ],
  'darwin-arm64': [
    ['./native/carapace.darwin-arm64.node', () => require('./native/carapace.darwin-arm64.node')],
    ['carapace-darwin-arm64', () => require('carapace-darwin-arm64')],
  ],
  'win32-x64': [
    ['./native/carapace.win32-x64-msvc.node', () => require('./native/carapace.win32-x64-msvc.node')],
    ['carapace-win32-x64-msvc', () => require('carapace-win32-x64-msvc')],
  ],
  'win32-arm64': [
    ['./native/carapace.win32-arm64-msvc.node', () => require('./native/carapace.win32-arm64-msvc.node')],
    ['carapace-win32-arm64-msvc', () => require('carapace-win32-arm64-msvc')],
  ],
};

/**
 * The platforms to try, the likeliest first. On Linux the other C library comes last, because no way of asking is
 * always right; and as asking takes milliseconds, it is done only where both builds are there.
 * @returns {string[]}
 */
function platformNames() {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return [base];
  const [gnu, musl] = [`${base}-gnu`, `${base}-musl`];
  const hasMusl = isInstalled(musl);
  const isMuslLikelier = isInstalled(gnu) === hasMusl ? isMusl() : hasMusl;
  return isMuslLikelier ? [musl, gnu] : [gnu, musl];
}

/** @param {string} name */
function isInstalled(name) {
  return (CANDIDATES[name] ?? []).some(([path]) => {
    try {
      return require.resolve(path) !== '';
    } catch {
      return false;
    }
  });
}

/** Asks the process report, without its network section: collecting that can stall for seconds. */
function isMusl() {
  const report = /** @type {any} */ (process.report);
  if (!report || typeof report.getReport !== 'function') return false;
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  try {
    return !report.getReport().header.glibcVersionRuntime;
  } catch {
    // Without an answer the order is a guess; both are tried.
    return false;
  } finally {
    report.excludeNetwork = before;
  }
}

/**
 * Loads the native core. There is no fallback: without the core nothing would be checked, so loading fails closed.
 * @returns {typeof import('./native/binding')}
 * @throws {CarapaceError} ERR_CARAPACE_NATIVE_LOAD with every path tried, ERR_CARAPACE_NATIVE_VERSION
 */
function load() {
  const names = platformNames();
  const failures = [];
  for (const name of names) {
    for (const [path, attempt] of CANDIDATES[name] ?? []) {
      try {
        return checkVersion(path, /** @type {typeof import('./native/binding')} */ (attempt()));
      } catch (error) {
        if (error instanceof CarapaceError) throw error;
        failures.push(`  ${path}: ${firstLine(error)}`);
      }
    }
  }
  const where = `the native core did not load on ${names[0]}, Node ${process.version}. Tried:`;
  const message =
    CANDIDATES[names[0]] === undefined
      ? `${where}\n  nothing: this platform has no build. There are builds for ${Object.keys(CANDIDATES).join(', ')}`
      : `${where}\n${failures.join('\n')}\n` +
        `Run: npm install ${CANDIDATES[names[0]][1][0]}@${version} (npm may have skipped the optional dependency)`;
  throw new CarapaceError('ERR_CARAPACE_NATIVE_LOAD', message);
}

/**
 * @param {string} path
 * @param {typeof import('./native/binding')} native
 */
function checkVersion(path, native) {
  const found = native.version();
  if (found === version) return native;
  throw new CarapaceError(
    'ERR_CARAPACE_NATIVE_VERSION',
    `carapace ${version} loaded a native core of version ${found} from ${path}; install both in the same version`,
  );
}

/** @param {unknown} error */
function firstLine(error) {
  return String(error instanceof Error ? error.message : error).split('\n')[0];
}

module.exports = load();
