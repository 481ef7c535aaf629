// Writes __test__/fixtures/form-cases.json: what the real qs, body-parser and Express make of forms and
// query strings. The Rust parser must make the same. Run: node scripts/generate-form-cases.mjs [folder that
// has the packages in its node_modules; default: the project].

import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(resolve(process.argv[2] ?? project, 'package.json'));
const qs = require('qs');
const bodyParser = require('body-parser');
const express = require('express');

const versions = Object.fromEntries(
  ['qs', 'body-parser', 'express'].map((name) => [name, require(`${name}/package.json`).version]),
);

/** A small random generator with a fixed seed (mulberry32), so that the file never changes by itself. */
function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const random = seeded(20261120);
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

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

const written = [
  '',
  '&',
  '&&',
  '=',
  '=x',
  'a',
  'a=',
  'a=1',
  'a=1&',
  '&a=1&&b=2&',
  'a=b=c',
  'a==',
  'a=1&a=2',
  'a&a',
  'a&a=1&a',
  'a[]=1',
  'a[]',
  'a[]&a[]',
  'a[]=1&a[]=2',
  'a[]=1&a=2',
  'a=1&a[]=2',
  'a[0]=1',
  'a[1]=1&a[0]=2',
  'a[2]=x&a[0]=y&a[]=z',
  'a[19]=x',
  'a[20]=x',
  'a[21]=x&a[]=y',
  'a[99]=x&a=y',
  'a[100]=x',
  'a[101]=x&a=y',
  'a=y&a[101]=x',
  'a[1e3]=x',
  'a[01]=x',
  'a[-1]=x',
  'a[b]=c',
  'a[b]=c&a=d',
  'a=d&a[b]=c',
  'a[b]=c&a=',
  'a=&a[b]=c',
  'a[b]=c&a=d&a=e',
  'a[b]=c&a=d&a[e]=f&a=g',
  'a[b]=1&a[]=2',
  'a[]=1&a[b]=2',
  'a[0]=1&a[b]=2',
  'a[b]=1&a[0]=2&a=3',
  'a[b]=1&a=2&a[x]=3&a[0]=4',
  'a[b][c]=1&a[b]=2&a[b][d]=3',
  'a[b][c]=1&a[b]=2&a[b]x=3&a[b]y=4&a[b][d]=5&a[b]z=6',
  'a[b][c]=1&a[b]=2&a[b][]=3&a[b]x=4&a[b][5]=6&a[b]y=7',
  'a[b]c=1',
  'a[b]c[d]=1',
  'a[b',
  'a[b=1',
  'a]b=1',
  'a[b]]=1',
  'a[[b]]=1',
  'a[[]]=1',
  'a[[b]=1',
  '[a]=1',
  '[]=1',
  '[]=1&[]=2',
  '[0]=1',
  '[5]=y&5=x',
  '5=x&[5]=y',
  '[101]=a&[102]=b',
  '[a][b]=1',
  '[]',
  'a[][]=1',
  'a[][][]=1&a[][][]=2',
  'a[][b]=1&a[][b]=2',
  'a[][b]=1&a[][c]=2',
  'a[][0]=1',
  'a[][3]=1',
  'a[][101]=1',
  'a[0][b]=1&a[0][c]=2',
  'a[0][b]=1&a[1][b]=2&a[][b]=3',
  'a[0]=1&a[0]=2',
  'a[0]=1&a[0]z=2',
  'a%5Bb%5D=c',
  'a%5bb%5d=c',
  'a%5B%5D=1&a%5B%5D=2',
  'a%255Bb%255D=c',
  'a[b%5D=c',
  'a=b]=c',
  'a[b=c]=d',
  'a%5D=b=c',
  'a=x%5D=c',
  'a=%5Bx%5D',
  'a=%5Bx%5D%ff',
  'a%5B%ff%5D=1',
  'a+b=c+d',
  '+a=1',
  'a%20b=c%20d',
  'a=%',
  'a=%4',
  'a=%zz',
  'a=%41%',
  'a=%41%zz+',
  '%zz=1',
  'a=%c3%a9',
  'a=%C3',
  'a=%C3%28',
  'a=%E2%82',
  'a=%ed%a0%80',
  'a=%c0%ae',
  'a=%e0%80%ae',
  'a=%f0%80%80%ae',
  'a=%f8%80%80%80%ae',
  'a=%f0%9f%98%80',
  'a=%f4%90%80%80',
  'a=%00',
  'a%00=1',
  'a=%0a%22%5c',
  'a="\\',
  'a=\xc3\xa9',
  'a=\xe9',
  'a=\xff\xfe%41',
  'a=%c3\xa9',
  'a=\xc3%a9',
  'a=\xf0\x9f\x98\x80%zz',
  '\xc3\xa9=1&%C3%A9=2',
  'a=\xef\xbb\xbf',
  'a;b=1',
  'a=1;b=2',
  'a.b=1',
  'a[b.c]=1',
  'a,b=1',
  'a=1,2,3',
  'a[]=1,2',
  '__proto__=1',
  '__proto__[x]=1',
  '[__proto__][x]=1',
  '[__proto__]=1',
  'a[__proto__]=b',
  'a[__proto__]=b&a=1',
  'a=1&a[__proto__]=b',
  'a[__proto__][x]=b&a[c]=1',
  'a[]=1&a[__proto__]=2',
  'constructor[prototype][y]=2',
  'hasOwnProperty=1&toString=3&valueOf[x]=1',
  'a[length]=100000000',
  'a[]=1&a[length]=5',
  'a[hasOwnProperty]=b',
  'prototype=1',
  'b=1&1=x&a=2&0=y',
  '4294967294=a&4294967295=b&x=c&3=d',
  'a[4294967295]=1&a[4294967294]=2&a[b]=3&a[1]=4',
  'a[9007199254740993]=1&a=2',
  'a[100000000000000000000]=1&a=2',
  'a[1000000000000000000000]=1&a=2',
  'a[b][c][d][e][f]=1',
  'a[b][c][d][e][f][g]=1',
  'a[b][c][d][e][f][g][h]=1&a[b][c][d][e][f][x]=2',
  'utf8=%E2%9C%93&a=%C3%A9',
  'utf8=%26%2310003%3B&a=%E9',
  'a=%E9&utf8=%26%2310003%3B',
  'utf8=x&a=1&utf8=y',
  'utf8=%e2%9c%93&a=%E9',
  'utf8&a=1',
  'autf8=1',
  'a=%26%239786%3B',
  'a=%26%23x41%3B&b=%26%2365%3B%26%2366;',
  'a=%26%2355357%3B',
  'a=%26%23128512%3B',
  'a=%26%231114112%3B',
  'a=%26%2399999999999999999999999%3B',
  'a=%26%23%3B%26%23&b=&#65;',
  '%26%2365%3B=x',
  'a=%26%230%3B',
  'role=user&role=admin',
  'u[role]=user&u[role]=admin',
  'id[]=1&id[x]=2',
  'id[101]=a&id[102]=b',
  'u[$ne]=1',
  Array(25).fill('a=1').join('&'),
  Array(21).fill('a[]=1').join('&'),
  Array(130).fill('a=1').join('&'),
  `${Array(130).fill('a[]=x').join('&')}&a[b]=1`,
  `${Array(20).fill('a=1').join('&')}&a[]=2`,
  `${Array.from({ length: 30 }, (_, i) => `k${i}=${i}`).join('&')}&k3=x&k29=y&k0=z`,
  `${Array.from({ length: 30 }, (_, i) => `a[k${i}]=${i}`).join('&')}&a[k3]=x&a[k29]=y`,
  `${Array.from({ length: 30 }, (_, i) => `a[${29 - i}]=${i}`).join('&')}&a[3]=x`,
  `${Array.from({ length: 22 }, (_, i) => `a[${i}]=${i}`).join('&')}&a[]=x&a=y`,
  Array(1001).fill('a').join('&'),
  Array(1000).fill('a').join('&'),
  `${Array(999).fill('').join('&')}&a&b&c`,
  `x${'[y]'.repeat(32)}=1`,
  `x${'[y]'.repeat(33)}=1`,
  `a=${','.repeat(300)}`,
];

const names = [
  'a',
  'b',
  'a',
  'c',
  '0',
  '1',
  '5',
  '',
  'utf8',
  'length',
  '__proto__',
  'toString',
  'a%62',
  '%61',
  'a+b',
  '%C3%A9',
  '\xe9',
  '%',
  '%zz',
  ']',
  'a]b',
  '$ne',
  'x.y',
];
const inner = [
  '',
  '',
  '',
  'b',
  'c',
  'b',
  '0',
  '1',
  '2',
  '7',
  '19',
  '20',
  '21',
  '99',
  '100',
  '101',
  '150',
  '01',
  '-1',
  '__proto__',
  'x[y]',
  '[',
  '%5B',
  '%5D',
  '+',
  '%C3%A9',
  '%ff',
];
const values = [
  '',
  '1',
  '2',
  'x',
  'y',
  '%20',
  '+',
  '%41',
  '%C3%A9',
  '%e9',
  '%',
  '%4',
  '%zz',
  '\xe9',
  '\xc3\xa9',
  '%26%2365%3B',
  '%26%23128512%3B',
  'a]=b',
  'a=b',
  '[x]',
  '%5Bx%5D',
  '%00',
  '"',
  '%4+1\xe9',
];

function randomName() {
  let name = pick(names);
  while (random() < 0.45) {
    const [open, close] = random() < 0.2 ? ['%5B', '%5d'] : ['[', random() < 0.05 ? '' : ']'];
    name += open + pick(inner) + close + (random() < 0.03 ? 'z' : '');
  }
  return name;
}

/** Few names, so that the same place is reached in several ways. */
function randomInput() {
  const parts = [];
  for (let left = 1 + below(7); left > 0; left--) {
    if (random() < 0.03) parts.push('');
    const name =
      random() < 0.5
        ? pick(['a', 'a[]', 'a[b]', 'a[0]', 'a[1]', 'a[101]', 'a[30]', 'a[b][]', 'a[][b]', 'a[0][b]', '0', '[0]'])
        : randomName();
    const value = pick(values);
    for (let times = random() < 0.1 ? below(4) : 1; times > 0; times--) {
      parts.push(random() < 0.1 ? name : `${name}=${value}`);
    }
  }
  return parts.join('&');
}

const sources = ['utf-8', 'iso-8859-1'];
for (const input of written) {
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
