// Writes __test__/fixtures/form-cases.json: what the real qs, body-parser and Express make of forms and
// query strings. The Rust parser must make the same. Run: node scripts/generate-form-cases.mjs [folder that
// has the packages in its node_modules; default: the project].

import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pick, random, randomInput } from './form-cases/random.mjs';
import { WRITTEN } from './form-cases/written.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(resolve(process.argv[2] ?? project, 'package.json'));
const qs = require('qs');
const bodyParser = require('body-parser');
const express = require('express');

const versions = Object.fromEntries(
  ['qs', 'body-parser', 'express'].map((name) => [name, require(`${name}/package.json`).version]),
);

/** JSON text in ASCII; the escapes of the Rust writer. */
function text(value) {
  if (typeof value === 'string') {
    const escaped = value
      .replace(/["\\]/g, '\\$&')
      .replace(/[\u0000-\u001f\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    return `"${escaped}"`;
  }
  if (Array.isArray(value)) return `[${value.map(text).join(',')}]`;
  return `{${Object.keys(value)
    .map((key) => `${text(key)}:${text(value[key])}`)
    .join(',')}}`;
}

/** The real body-parser on a body given as bytes. */
function body(input, { source, ...options }) {
  const req = Readable.from([Buffer.from(input, 'latin1')]);
  const charset = source === 'iso-8859-1' ? '; charset=iso-8859-1' : '';
  req.headers = {
    'content-type': `application/x-www-form-urlencoded${charset}`,
    'content-length': String(input.length),
  };
  return new Promise((done) => {
    bodyParser.urlencoded({ limit: Infinity, ...options })(req, {}, (error) => {
      done(error ? { error: error.type } : { json: text(req.body ?? {}) });
    });
  });
}

/** The real query parser of Express on a query string as Node hands it over. */
function query(input, { extended }) {
  const app = express().set('query parser', extended ? 'extended' : 'simple');
  return { json: text(app.get('query parser fn')(input)) };
}

/** qs itself. */
function plain(input, { source, ...options }) {
  const string =
    source === 'url' ? input : Buffer.from(input, 'latin1').toString(source === 'utf-8' ? 'utf8' : 'latin1');
  const charset = source === 'iso-8859-1' ? source : 'utf-8';
  try {
    return { json: text(qs.parse(string, { allowPrototypes: true, charset, ...options })) };
  } catch {
    return { error: 'querystring.parse.rangeError' };
  }
}

const peers = { 'body-parser': body, express: query, qs: plain };
const cases = [];

async function add(peer, input, options) {
  cases.push({ peer, input, options, ...(await peers[peer](input, options)) });
}

const sources = ['utf-8', 'iso-8859-1'];
for (const input of WRITTEN) {
  await add('body-parser', input, { source: 'utf-8', extended: true });
  await add('body-parser', input, { source: 'utf-8', extended: false });
  await add('express', input, { source: 'url', extended: true });
  await add('express', input, { source: 'url', extended: false });
  if (/%|\xe9|utf8/.test(input)) {
    await add('body-parser', input, { source: 'iso-8859-1', extended: true, interpretNumericEntities: true });
    await add('body-parser', input, {
      source: 'utf-8',
      extended: true,
      charsetSentinel: true,
      interpretNumericEntities: true,
    });
    await add('body-parser', input, { source: 'iso-8859-1', extended: false, charsetSentinel: true });
  }
}
for (let round = 0; round < 900; round++) {
  const input = randomInput();
  switch (round % 4) {
    case 0:
      await add('express', input, { source: 'url', extended: random() < 0.6 });
      break;
    case 1:
      await add('body-parser', input, {
        source: pick(sources),
        extended: random() < 0.7,
        depth: pick([1, 2, 32]),
        charsetSentinel: random() < 0.5,
        interpretNumericEntities: random() < 0.5,
      });
      break;
    default:
      await add('qs', input, {
        source: pick([...sources, 'url']),
        depth: pick([0, 1, 2, 5]),
        arrayLimit: pick([0, 1, 2, 3, 5, 20, 20, 100]),
        parameterLimit: pick([1, 3, 1000]),
        duplicates: pick(['combine', 'combine', 'first', 'last']),
        strictDepth: random() < 0.3,
        charsetSentinel: random() < 0.2,
        interpretNumericEntities: random() < 0.3,
      });
  }
}

const file = resolve(project, '__test__/fixtures/form-cases.json');
writeFileSync(
  file,
  `{"versions":${JSON.stringify(versions)},"cases":[\n${cases.map((entry) => JSON.stringify(entry)).join(',\n')}\n]}\n`,
);
console.log(`${cases.length} cases`);
