'use strict';

const http = require('node:http');
const querystring = require('node:querystring');
const qs = require('qs');
const { hpp, queryParser, sanitize, urlencoded } = require('../..');
const { EXPRESS, listen } = require('./servers');

/**
 * One entry of form-attacks.json.
 * @typedef {{ id: string, name: string, form: string, times?: number, mode: 'extended' | 'simple', only?: 'body' | 'query', bend?: boolean,
 *   rules?: any, hpp?: any, outcome: 'clean' | 'strip' | 'reject', expect?: any, polluted?: any, rule?: string, paths?: string[] }} Attack
 * @typedef {{ location: 'body' | 'query', isForeign?: boolean, hasNoRequest?: boolean,
 *   install: (app: any, attack: Attack, listeners: any) => void }} Path `hasNoRequest`: nowhere to put originals aside
 * @typedef {{ status: number, error: any, value: any, polluted: any, findings: any[] }} Outcome
 */

/** @param {Attack} attack @param {any} listeners */
const options = ({ mode, rules }, listeners) => ({ ...rules, ...listeners, extended: mode === 'extended' });

/** Text to values as body-parser and Express call others to do it. @param {Attack} attack @param {string} text */
const foreign = ({ mode }, text) =>
  mode === 'simple' ? querystring.parse(text) : qs.parse(text, { allowPrototypes: true, depth: 32, arrayLimit: 100 });

/** The rules of the entry, for values that are parsed. @param {any} app @param {Attack} attack @param {any} listeners */
function useWalkers(app, { rules, hpp: lists }, listeners) {
  app.use(sanitize({ ...rules, ...listeners }));
  if (lists !== undefined) app.use(hpp({ ...lists, ...listeners }));
}

/** Every way of a form to the handler. @type {Record<string, Path>} */
const PATHS = {
  'urlencoded()': {
    location: 'body',
    install: (app, attack, listeners) => app.use(urlencoded({ ...options(attack, listeners), hpp: attack.hpp })),
  },
  'urlencoded() and hpp()': {
    location: 'body',
    install(app, attack, listeners) {
      app.use(urlencoded(options(attack, listeners)));
      if (attack.hpp !== undefined) app.use(hpp({ ...attack.hpp, ...listeners }));
    },
  },
  'queryParser()': {
    location: 'query',
    install: (app, attack, listeners) => app.use(queryParser({ ...options(attack, listeners), hpp: attack.hpp })),
  },
  'queryParser() as setting': {
    location: 'query',
    hasNoRequest: true,
    install(app, attack, { onFinding }) {
      app.set('query parser', queryParser({ ...options(attack, { onFinding }), hpp: attack.hpp }));
    },
  },
  'a foreign body parser': {
    location: 'body',
    isForeign: true,
    install(app, attack, listeners) {
      app.use(async (/** @type {any} */ request, /** @type {any} */ _response, /** @type {any} */ next) => {
        const chunks = await request.toArray();
        request.body = foreign(attack, Buffer.concat(chunks).toString());
        next();
      });
      useWalkers(app, attack, listeners);
    },
  },
  'a foreign query parser': {
    location: 'query',
    isForeign: true,
    install(app, attack, listeners) {
      app.set('query parser', (/** @type {string} */ text) => foreign(attack, text));
      useWalkers(app, attack, listeners);
    },
  },
};

/**
 * Starts a server for one major of Express, and returns the function that sends an attack down a path. Connections are
 * kept; each attack gets an app of its own, because the query parser is a setting of the app.
 * @param {import('node:test').TestContext} context
 * @param {keyof typeof EXPRESS} major
 * @returns {Promise<(path: Path, attack: Attack) => Promise<Outcome>>}
 */
async function startFormPaths(context, major) {
  /** @type {http.RequestListener} */
  let app;
  const { port } = await listen(context, (request, response) => app(request, response));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  context.after(() => agent.destroy());
  return async function send(path, attack) {
    /** @type {Outcome} */
    const outcome = { status: 0, error: undefined, value: undefined, polluted: undefined, findings: [] };
    app = createApp(EXPRESS[major], path, attack, outcome);
    const text = Array(attack.times ?? 1)
      .fill(attack.form)
      .join('&');
    await exchange(
      { port, agent },
      path.location === 'query' ? `/?${text}` : '/',
      path.location === 'body' ? text : '',
    );
    return outcome;
  };
}

/**
 * @param {any} express
 * @param {Path} path
 * @param {Attack} attack
 * @param {Outcome} outcome is filled in
 */
function createApp(express, path, attack, outcome) {
  const app = express();
  const onFinding = (/** @type {any} */ finding) => outcome.findings.push(finding);
  path.install(app, attack, { onFinding, onReject: 'next' });
  app.use((/** @type {any} */ request, /** @type {any} */ response) => {
    const { [path.location]: value, [`${path.location}Polluted`]: polluted } = request;
    Object.assign(outcome, { status: 200, value, polluted });
    response.end();
  });
  app.use(
    (/** @type {any} */ error, /** @type {any} */ _request, /** @type {any} */ response, /** @type {any} */ _next) => {
      Object.assign(outcome, { status: error.status, error });
      response.end();
    },
  );
  return app;
}

/**
 * @param {{ port: number, agent: http.Agent }} to
 * @param {string} path
 * @param {string} body
 */
function exchange({ port, agent }, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
    const request = http.request({ host: '127.0.0.1', port, agent, method: 'POST', path, headers }, (response) =>
      response.resume().on('end', resolve).on('error', reject),
    );
    request.on('error', reject).end(body);
  });
}

module.exports = { PATHS, startFormPaths };
