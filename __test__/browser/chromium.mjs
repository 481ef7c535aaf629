// A browser and servers for the tests in this folder. Nothing leaves the machine: every name but localhost is unknown to the browser.
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';

const PATHS = [
  process.env.CARAPACE_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const executablePath = PATHS.find((path) => path !== undefined && existsSync(path));

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-proxy-server',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

/**
 * A new browser with a profile of its own, for one test file.
 * @returns {Promise<import('playwright-core').Browser>}
 */
export function launch() {
  if (executablePath === undefined) {
    throw new Error(
      'no browser: install chromium (Debian: apt-get install chromium), or name one in CARAPACE_CHROMIUM',
    );
  }
  return chromium.launch({ executablePath, headless: true, args: ARGS, timeout: 30_000 });
}

/**
 * Opens a page in a context of its own, without cookies or caches of others.
 * @param {import('node:test').TestContext} test
 * @param {import('playwright-core').Browser} browser
 * @param {string} [url]
 */
export async function open(test, browser, url) {
  const context = await browser.newContext();
  test.after(() => context.close());
  const page = await context.newPage();
  if (url !== undefined) await page.goto(url);
  return page;
}

/**
 * Starts a server on a free port. `localhost` and `127.0.0.1` are two sites to a browser, two ports two origins of one site.
 * @param {import('node:test').TestContext} test
 * @param {import('node:http').RequestListener} listener
 * @returns {Promise<{ local: string, address: string }>} its origin under both names
 */
export async function serve(test, listener) {
  const server = createServer(listener);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { local: `http://localhost:${port}`, address: `http://127.0.0.1:${port}` };
}

/** An empty page: an origin to ask from. */
export function blank(_request, response) {
  response.setHeader('content-type', 'text/html').end('<!doctype html><title>blank</title>');
}

/**
 * What a script on the page learns of an answer.
 * @param {import('playwright-core').Page} page
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<{ status?: number, body?: string, headers?: Record<string, string>, failed?: string }>}
 */
export function fetchFrom(page, url, init = {}) {
  return page.evaluate(async ([url, init]) => {
    try {
      const response = await fetch(url, init);
      return { status: response.status, body: await response.text(), headers: Object.fromEntries(response.headers) };
    } catch (error) {
      return { failed: error.name };
    }
  }, /** @type {[string, RequestInit]} */ ([url, init]));
}
