'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { tmpdir } = require('node:os');
const { join, relative } = require('node:path');
const { after, describe, it } = require('node:test');
const { version } = require('../package.json');
const { NATIVES, nativeFor } = require('../bin/migrate/natives');
const { PEERS } = require('../bin/migrate/peers');

const root = join(__dirname, '..');
const fixtures = join(__dirname, 'fixtures/migrate');
const scratch = fs.mkdtempSync(join(tmpdir(), 'carapace-migrate-'));
after(() => fs.rmSync(scratch, { recursive: true, force: true }));

let made = 0;

/** A directory of its own, with these files or a copy of the fixtures. */
function tree(files) {
  const dir = join(scratch, `tree-${made++}`);
  if (files === undefined) fs.cpSync(join(fixtures, 'before'), dir, { recursive: true });
  for (const [name, content] of Object.entries(files ?? {})) {
    fs.mkdirSync(join(dir, name, '..'), { recursive: true });
    fs.writeFileSync(join(dir, name), content);
  }
  return dir;
}

/** Every file below a directory with its bytes. */
function contents(dir) {
  const files = fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
  return paths.map((path) => [relative(dir, path), fs.readFileSync(path, 'latin1')]);
}

function migrate(...args) {
  const bin = join(root, 'bin/carapace.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr, lines: stdout.trimEnd().split('\n') };
}

const SOURCE = /\.[cm]?[jt]sx?$/;

describe('carapace migrate', () => {
  it('turns the tree of fixtures into the expected one', () => {
    const dir = tree();
    const looked = contents(dir).filter(([name]) => SOURCE.test(name) && !/^(?:node_modules|dist|\.cache)/.test(name));
    assert.ok(looked.length >= 30, `${looked.length} files`);
    assert.notDeepEqual(contents(dir), contents(join(fixtures, 'after')));
    const { status, lines } = migrate('migrate', dir);
    assert.deepEqual(contents(dir), contents(join(fixtures, 'after')));
    assert.equal(status, 1, 'one file of the tree does not parse');
    assert.ok(lines.includes(`changed 76 places in 28 of ${looked.length} files`), lines.at(-4));
  });

  it('changes nothing the second time', () => {
    const dir = join(scratch, 'again');
    fs.cpSync(join(fixtures, 'after'), dir, { recursive: true });
    const { lines } = migrate('migrate', dir);
    assert.deepEqual(contents(dir), contents(join(fixtures, 'after')));
    assert.ok(lines.includes('changed 0 places in 0 of 31 files'));
    assert.deepEqual(
      lines.filter((line) => line.includes(' → ')),
      [],
    );
  });

  it('says with --dry-run what it would do, and writes nothing', () => {
    const dir = tree();
    const before = contents(dir);
    const dry = migrate('migrate', '--dry-run', dir);
    assert.deepEqual(contents(dir), before);
    assert.equal(migrate('migrate', dir, '--dry-run').stdout, dry.stdout);
    const wet = migrate('migrate', dir);
    const told = (lines) => lines.filter((line) => /^\S+:\d+: /.test(line));
    assert.deepEqual(told(dry.lines), told(wet.lines));
    assert.ok(dry.lines.includes('would change 76 places in 28 of 31 files'));
    assert.equal(dry.status, wet.status);
  });

  it('says for each call which native form would replace it, with file and line', () => {
    const { lines } = migrate('migrate', '--dry-run', tree());
    for (const line of [
      "src/app.js:4: 'helmet' → 'carapace/helmet'",
      'src/app.js:11: helmet({ hsts, frameguard }) could be securityHeaders({ strictTransportSecurity, xFrameOptions }) of carapace',
      'src/app.js:12: helmet.noSniff() could be securityHeaders({ xContentTypeOptions }), with every other option false, of carapace',
      'src/app.js:13: cors({ origin, headers }) could be cors({ origin, allowedHeaders }) of carapace',
      'src/app.js:14: express.json({ limit }) could be json({ limit }) of carapace',
      'src/app.js:15: express.urlencoded({ extended, limit }) could be urlencoded({ extended, limit }) of carapace',
      'src/app.js:16: mongoSanitize({ replaceWith }) could be sanitize({ operator, dotted }) of carapace',
      'src/limiter.cjs:2: new RedisStore({ sendCommand, prefix }) could be redisStore({ sendCommand, prefix }) of carapace',
      "src/esm.mjs:8: limited() could be rateLimit({ algorithm: 'fixed-window' }) of carapace",
      'src/server.ts:16: cors() could be cors() of carapace',
      'done/already.ts:3: helmet() could be securityHeaders() of carapace',
      "src/deep-paths.js:1: left: 'body-parser/lib/read' has no drop-in",
      "src/jsdoc.js:4: left: a comment names 'express-rate-limit'",
      "legacy/server.js:1: 'body-parser' → 'carapace/body-parser/v1'",
    ]) {
      assert.ok(lines.includes(line), line);
    }
    assert.deepEqual(
      lines.filter((line) => /^src\/untouched/.test(line)),
      [],
    );
  });

  it('leaves files that do not parse or are not UTF-8, and names them', () => {
    const files = {
      'a.js': "const = require('helmet');\n",
      'b.js': Buffer.from("require('helmet'); // \xe9\n", 'latin1'),
      'c.js': "require('helmet');\n",
      'd.ts': "import 'helmet'; const x: = 1;\n",
    };
    const dir = tree(files);
    const { status, lines } = migrate('migrate', dir);
    assert.equal(status, 1);
    assert.match(lines[0], /^a\.js: left as it is: Unexpected token \(1:6\)$/);
    assert.equal(lines[1], 'b.js: left as it is: it is not UTF-8');
    assert.equal(lines[2], "c.js:1: 'helmet' → 'carapace/helmet'");
    assert.match(lines[3], /^d\.ts: left as it is: /);
    for (const name of ['a.js', 'b.js', 'd.ts']) {
      assert.deepEqual(fs.readFileSync(join(dir, name)), Buffer.from(files[name]));
    }
  });

  it('keeps the mode of a file, follows no links and skips what others wrote', () => {
    const outside = tree({ 'kept.js': "require('helmet');\n" });
    const dir = tree({ 'run.js': "#!/usr/bin/env node\nrequire('helmet');\n", 'a.min.js': "require('helmet')" });
    fs.chmodSync(join(dir, 'run.js'), 0o750);
    fs.symlinkSync(outside, join(dir, 'link'));
    fs.symlinkSync(join(outside, 'kept.js'), join(dir, 'link.js'));
    for (const name of ['node_modules', '.git', 'build', 'coverage']) {
      fs.mkdirSync(join(dir, name));
      fs.writeFileSync(join(dir, name, 'x.js'), "require('helmet')");
    }
    assert.ok(migrate('migrate', dir).lines.includes('changed 1 place in 1 of 1 files'));
    assert.equal(fs.statSync(join(dir, 'run.js')).mode & 0o777, 0o750);
    assert.equal(fs.readFileSync(join(outside, 'kept.js'), 'utf8'), "require('helmet');\n");
  });

  it('reads deep and long sources', () => {
    const deep = `${'['.repeat(300)}require('helmet')${']'.repeat(300)};\n`;
    const long = `${"require('hpp');\n".repeat(3_000)}`;
    const dir = tree({ 'deep.js': deep, 'long.js': long });
    assert.ok(migrate('migrate', dir).lines.includes('changed 3001 places in 2 of 2 files'));
  });
});

describe('a file that cannot be replaced', () => {
  for (const broken of ['writeFileSync', 'fsyncSync', 'renameSync']) {
    it(`is whole when ${broken} fails, with nothing beside it`, (context) => {
      const dir = tree({ 'a.js': "require('helmet');\n" });
      const path = require.resolve('../bin/migrate/migrate-file');
      delete require.cache[path];
      const failing = context.mock.method(fs, broken, () => {
        throw new Error('ENOSPC: no space left on device');
      });
      const { migrateFile } = require(path);
      const result = migrateFile(join(dir, 'a.js'), { isDryRun: false, versions: () => undefined });
      failing.mock.restore();
      delete require.cache[path];
      assert.equal(failing.mock.callCount(), 1);
      assert.equal(result.problem, 'ENOSPC: no space left on device');
      assert.deepEqual(contents(dir), [['a.js', "require('helmet');\n"]]);
    });
  }
});

describe('the command line', () => {
  const dir = tree({ 'a.js': '' });
  for (const args of [[], ['migrat', dir], ['migrate'], ['migrate', dir, dir], ['migrate', join(dir, 'a.js')]]) {
    it(`carapace ${args.length} arguments, ${args[0]}: is told how, with exit code 2`, () => {
      const { status, stdout, stderr } = migrate(...args);
      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.match(stderr, /^carapace: .+\n\nusage: carapace migrate \[--dry-run\] <dir>\n/);
    });
  }

  it('refuses options that it does not know rather than writing', () => {
    const dir = tree({ 'a.js': "require('helmet')" });
    assert.equal(migrate('migrate', '--dryrun', dir).status, 2);
    assert.equal(fs.readFileSync(join(dir, 'a.js'), 'utf8'), "require('helmet')");
  });

  it('says its version and its usage', () => {
    assert.equal(migrate('--version').stdout, `${version}\n`);
    assert.match(migrate('migrate', '--help').stdout, /^usage: carapace migrate/);
    assert.equal(migrate('--help').status, 0);
  });

  it('answers 0 when all went well, also with nothing to do', () => {
    assert.equal(migrate('migrate', tree({ 'a.js': "require('helmet')" })).status, 0);
    assert.equal(migrate('migrate', tree({ 'a.txt': '' })).status, 0);
  });

  it('runs from the published files alone', () => {
    const packed = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
    });
    const [{ files }] = JSON.parse(packed.stdout);
    const home = join(scratch, 'published');
    for (const { path } of files) {
      if (!/^(?:bin\/|package\.json$)/.test(path)) continue;
      fs.mkdirSync(join(home, path, '..'), { recursive: true });
      fs.copyFileSync(join(root, path), join(home, path));
    }
    const dir = tree({ 'a.ts': "import x = require('helmet');\n" });
    const { bin } = JSON.parse(fs.readFileSync(join(home, 'package.json'), 'utf8'));
    const { status, stderr } = spawnSync(process.execPath, [join(home, bin.carapace), 'migrate', dir], {
      encoding: 'utf8',
      cwd: scratch,
    });
    assert.equal(status, 0, stderr);
    assert.equal(fs.readFileSync(join(dir, 'a.ts'), 'utf8'), "import x = require('carapace/helmet');\n");
  });
});

describe('the native forms', () => {
  const OPTIONS = {
    securityHeaders: require('../lib/header-options').OPTIONS,
    rateLimit: require('../lib/rate-limit').OPTIONS,
    redisStore: require('../lib/redis-store').OPTIONS,
    cors: require('../lib/cors').OPTIONS,
    hpp: require('../lib/hpp').OPTIONS,
    sanitize: require('../lib/sanitize').OPTIONS,
    json: require('../lib/body/json').OPTIONS,
    urlencoded: require('../lib/body/urlencoded').OPTIONS,
  };
  const all = Object.values(NATIVES).flatMap((members) => Object.values(members));

  it('are given for every package', () => {
    for (const peer of PEERS) assert.ok(Object.hasOwn(NATIVES, peer), peer);
  });

  it('have options that exist', () => {
    for (const { name, renamed = {}, added, argument } of all) {
      const table = OPTIONS[name];
      if (table === undefined) continue;
      const extra = [added, argument].flatMap((text) => text?.match(/\w+(?=:)|(?<=\{ )\w+/g) ?? []);
      for (const option of [...Object.values(renamed).flat(), ...extra]) {
        assert.ok(Object.hasOwn(table, option), `${name} has no option ${option}`);
      }
    }
  });

  const READING = ['inflate', 'limit', 'type', 'verify', 'defaultCharset'];
  const FORMS = ['extended', 'parameterLimit', 'depth', 'charsetSentinel', 'interpretNumericEntities'];
  const CORS = ['origin', 'methods', 'allowedHeaders', 'headers', 'exposedHeaders', 'credentials', 'maxAge'];
  const LIMITS = ['windowMs', 'limit', 'max', 'message', 'statusCode', 'handler', 'legacyHeaders', 'headers', 'store'];
  const MORE_LIMITS = ['standardHeaders', 'identifier', 'retryAfter', 'passOnStoreError', 'keyGenerator', 'ipv6Subnet'];
  const REFUNDS = [
    'skip',
    'skipSuccessfulRequests',
    'skipFailedRequests',
    'requestWasSuccessful',
    'validate',
    'logger',
  ];

  /** Every option of each peer. */
  const OF_PEERS = [
    ['helmet', '', Object.keys(NATIVES.helmet).filter((name) => name !== '')],
    ['express-rate-limit', '', [...LIMITS, ...MORE_LIMITS, ...REFUNDS, 'requestPropertyName']],
    ['rate-limit-redis', 'RedisStore', ['sendCommand', 'sendCommandCluster', 'prefix', 'resetExpiryOnChange']],
    ['cors', '', [...CORS, 'preflightContinue', 'optionsSuccessStatus']],
    ['hpp', '', ['checkQuery', 'checkBody', 'checkBodyOnlyForContentType', 'whitelist']],
    ['express-mongo-sanitize', '', ['replaceWith', 'allowDots', 'dryRun', 'onSanitize']],
    ['body-parser', 'json', [...READING, 'strict', 'reviver']],
    ['body-parser', 'urlencoded', [...READING, ...FORMS]],
    ['express', 'json', [...READING, 'strict', 'reviver']],
    ['express', 'urlencoded', [...READING, ...FORMS]],
  ];
  for (const [peer, member, options] of OF_PEERS) {
    it(`have a name that exists for each option of ${peer} ${member}`, () => {
      for (const option of options) {
        const [, name, given] = /^([\w.]+)\((?:\{ (.+) \})?\)/.exec(nativeFor(peer, member, [option]));
        for (const part of given?.split(', ') ?? []) {
          const key = part.split(':')[0];
          assert.ok(Object.hasOwn(OPTIONS[name], key), `${option} of ${peer}: ${name} has no option ${key}`);
        }
      }
    });
  }
});
