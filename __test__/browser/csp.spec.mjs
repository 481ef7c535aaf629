// The page's own script runs, an injected one does not.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import express from 'express';
import carapace from 'carapace';
import { launch, open, serve } from './chromium.mjs';

const { errorHandler, securityHeaders } = carapace;

describe('a policy with a nonce', () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  /** A page that writes what is asked for into itself, as a careless template would. */
  async function servePage(test, middleware) {
    const app = express();
    if (middleware !== undefined) app.use(middleware);
    app.get('/', (request, response) => {
      const nonce = response.locals.cspNonce;
      response.type('html').send(`<!doctype html><title>page</title>
        <script${nonce === undefined ? '' : ` nonce="${nonce}"`}>
          globalThis.ran = ['own'];
          globalThis.violations = [];
          document.addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective));
        </script>
        <p>Results for ${request.query.q}</p>`);
    });
    app.use(errorHandler());
    return (await serve(test, app)).local;
  }

  const ATTACKS = [
    '<script>ran.push("inline")</script>',
    '<img src="data:," onerror="ran.push(\'handler\')">',
    '<script nonce="guessed">ran.push("nonce")</script>',
    '<iframe srcdoc="<script>parent.ran.push(\'frame\')</script>"></iframe>',
    '<script src="data:text/javascript,ran.push(\'data\')"></script>',
  ];

  async function visit(test, origin) {
    const page = await open(test, browser, `${origin}/?q=${encodeURIComponent(ATTACKS.join(''))}`);
    // Of the five, what happens in the frame is not told to the page; the load event waits for it.
    await page.waitForFunction(() => globalThis.violations.length >= 4 || globalThis.ran.length === 6);
    return page.evaluate(() => ({ ran: globalThis.ran, violations: globalThis.violations }));
  }

  it('lets the own script run and blocks each injected one', async (test) => {
    const origin = await servePage(test, securityHeaders({ contentSecurityPolicy: { nonce: true } }));
    const { ran, violations } = await visit(test, origin);
    assert.deepEqual(ran, ['own']);
    assert.ok(violations.includes('script-src-elem') && violations.includes('script-src-attr'), violations.join());
  });

  it('is what blocks them: without it all of them run', async (test) => {
    const { ran } = await visit(test, await servePage(test));
    assert.deepEqual(ran.sort(), ['data', 'frame', 'handler', 'inline', 'nonce', 'own']);
  });

  it('has another nonce on each visit', async (test) => {
    const origin = await servePage(test, securityHeaders({ contentSecurityPolicy: { nonce: true } }));
    const page = await open(test, browser);
    const policies = new Set();
    for (let count = 0; count < 3; count += 1) {
      const response = await page.goto(origin);
      policies.add(response.headers()['content-security-policy']);
      assert.deepEqual(await page.evaluate(() => globalThis.ran), ['own']);
    }
    assert.equal(policies.size, 3);
  });
});

describe('the page of an error', () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  it('shows what the request wrote into it as text', async (test) => {
    const app = express();
    app.use((request) => {
      throw Object.assign(new Error(`no ${request.query.q}`), { status: 404, expose: true });
    });
    app.use(errorHandler());
    const { local } = await serve(test, app);
    const attack = '<script>globalThis.ran = true</script><img src="data:," onerror="globalThis.ran = true">';
    const page = await open(test, browser, `${local}/?q=${encodeURIComponent(attack)}`);
    assert.equal(await page.title(), '404 Not Found');
    assert.equal(await page.textContent('p'), `no ${attack}`);
    assert.equal(await page.evaluate(() => globalThis.ran), undefined);
  });
});
