// What a browser makes of the cookies that leave.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import express from 'express';
import session from 'express-session';
import carapace from 'carapace';
import { blank, fetchFrom, launch, open, serve } from './chromium.mjs';

const { cookies } = carapace;

describe('cookies in a browser', () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  /** An app that sets cookies without a thought, and tells which ones came. */
  async function serveApp(test, middleware) {
    const app = express();
    if (middleware !== undefined) app.use(middleware);
    app.use(session({ secret: 'x', resave: false, saveUninitialized: true, cookie: { httpOnly: false } }));
    app.get('/', (_request, response) => {
      response.cookie('token', 'hunter2');
      response.cookie('theme', 'dark');
      response.appendHeader('set-cookie', '__Host-id=7; Domain=localhost');
      response.type('html').end('<!doctype html><title>app</title>');
    });
    app.get('/seen', (request, response) => {
      response.set({
        'access-control-allow-origin': request.headers.origin ?? '*',
        'access-control-allow-credentials': 'true',
      });
      response.json(
        (request.headers.cookie ?? '')
          .split('; ')
          .map((pair) => pair.split('=')[0])
          .sort(),
      );
    });
    return serve(test, app);
  }

  const policy = { secure: true, cookies: { theme: { httpOnly: false, secure: false } } };

  it('are out of reach of scripts, except those that are meant for them', async (test) => {
    const { local } = await serveApp(test, cookies(policy));
    const page = await open(test, browser, local);
    assert.equal(await page.evaluate(() => globalThis.document.cookie), 'theme=dark');
  });

  it('would be within their reach otherwise', async (test) => {
    const { local } = await serveApp(test);
    const page = await open(test, browser, local);
    const names = (await page.evaluate(() => globalThis.document.cookie)).split('; ').map((pair) => pair.split('=')[0]);
    assert.deepEqual(names.sort(), ['connect.sid', 'theme', 'token']);
  });

  it('have their flags, and __Host- is taken', async (test) => {
    const { local } = await serveApp(test, cookies(policy));
    const page = await open(test, browser, local);
    const flags = Object.fromEntries(
      (await page.context().cookies()).map(({ name, httpOnly, secure, sameSite }) => [
        name,
        { httpOnly, secure, sameSite },
      ]),
    );
    const all = { httpOnly: true, secure: true, sameSite: 'Lax' };
    assert.deepEqual(flags, {
      'connect.sid': all,
      token: all,
      '__Host-id': all,
      theme: { httpOnly: false, secure: false, sameSite: 'Lax' },
    });
  });

  it('do not go along with requests that other sites make', async (test) => {
    const { local } = await serveApp(test, cookies(policy));
    const { address: otherSite } = await serve(test, blank);
    const page = await open(test, browser, local);
    const own = await fetchFrom(page, `${local}/seen`);
    assert.deepEqual(JSON.parse(own.body), ['__Host-id', 'connect.sid', 'theme', 'token']);
    await page.goto(otherSite);
    const foreign = await fetchFrom(page, `${local}/seen`, { credentials: 'include' });
    assert.deepEqual(JSON.parse(foreign.body), ['']);
  });
});
