'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { describe, it } = require('node:test');
const { type } = require('arktype');
const Joi = require('joi');
const v = require('valibot');
const { z } = require('zod');
const { errorHandler, json, queryParser, urlencoded, validate } = require('..');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

const SECRET = 'hunter2-secret';

/** A middleware on a request made by hand: what it answers or passes on. */
async function run(middleware, request) {
  const whole = { headers: {}, url: '/', readableEnded: true, httpVersionMajor: 1, ...request };
  return new Promise((resolve) => {
    const response = {
      headersSent: false,
      setHeader() {},
      end: (body) => resolve({ request: whole, document: JSON.parse(body) }),
    };
    middleware(whole, response, (error) => resolve({ request: whole, error }));
  });
}

/** The same schema in each validator: strict, an email, an age that is made a number, a role of two. */
const LIBRARIES = {
  zod: z.strictObject({ email: z.email(), age: z.number().default(7), role: z.enum(['a', 'b']).optional() }),
  valibot: v.strictObject({
    email: v.pipe(v.string(), v.email()),
    age: v.optional(v.number(), 7),
    role: v.optional(v.picklist(['a', 'b'])),
  }),
  arktype: type({ email: 'string.email', age: 'number = 7', 'role?': "'a'|'b'", '+': 'reject' }),
  joi: Joi.object({ email: Joi.string().email(), age: Joi.number().default(7), role: Joi.valid('a', 'b') }),
  'joi by adapter': validate.joi(
    Joi.object({ email: Joi.string().email(), age: Joi.number().default(7), role: Joi.valid('a', 'b') }),
    { convert: false },
  ),
  'joi with externals': validate.joi(
    Joi.object({ email: Joi.string().email(), age: Joi.number().default(7), role: Joi.valid('a', 'b') }).external(
      async (value) => value,
    ),
    { externals: true },
  ),
};

for (const [library, schema] of Object.entries(LIBRARIES)) {
  describe(`a schema of ${library}`, () => {
    it('puts what it makes in the place of what came', async () => {
      const { request, error, document } = await run(validate({ body: schema }), { body: { email: 'a@b.com' } });
      assert.deepEqual([error, document], [undefined, undefined]);
      assert.deepEqual({ ...request.body }, { email: 'a@b.com', age: 7 });
    });

    it('refuses with all errors, by pointer, and without a value', async () => {
      const body = { email: SECRET, age: SECRET, role: SECRET, extra: SECRET };
      const { request, document } = await run(validate({ body: schema }), { body });
      assert.equal(document.status, 400);
      assert.equal(document.code, 'ERR_CARAPACE_REQUEST_INVALID');
      const pointers = document.errors.map(({ pointer }) => pointer).sort();
      assert.deepEqual(pointers, ['/age', '/email', '/extra', '/role']);
      for (const { location, detail } of document.errors) assert.ok(location === 'body' && detail.length > 5, detail);
      assert.ok(!JSON.stringify(document).includes('hunter2'), JSON.stringify(document));
      assert.equal(request.body, body);
    });

    it('refuses what is no object', async () => {
      for (const body of [undefined, null, 'text', 7]) {
        const { error, document } = await run(validate({ body: schema }), { body });
        // Every key of the joi schema is optional, and so is the value itself.
        if (library.startsWith('joi') && body === undefined) assert.equal(error, undefined);
        else assert.equal(document.errors[0].pointer, '');
      }
    });
  });
}

describe('messages never hold the value', () => {
  const schemas = {
    'joi, a pattern': Joi.object({ x: Joi.string().pattern(/^z/) }),
    'joi, a named pattern': Joi.object({ x: Joi.string().pattern(/^z/, 'zs') }),
    'joi, an inverted pattern': Joi.object({ x: Joi.string().pattern(/hunter/, { invert: true }) }),
    'valibot, a length': v.object({ x: v.pipe(v.string(), v.minLength(99)) }),
    'valibot, a literal': v.object({ x: v.literal('y') }),
    'valibot, a custom message': v.object({ x: v.pipe(v.string(), v.regex(/^z/, 'wants a z')) }),
    'arktype, an intersection': type({ x: 'string.email & string > 99' }),
    'arktype, a union of literals': type({ x: "'a'|'b'" }),
    'arktype, a union of kinds': type({ x: [type('string.email'), '|', { y: 'number' }] }),
    'arktype, a date': type({ x: 'string.date.iso.parse' }),
    'arktype, JSON': type({ x: 'string.json.parse' }),
    'arktype, a narrowing': type({ x: type('string').narrow((_, context) => context.mustBe('nice')) }),
    'zod, a literal': z.object({ x: z.literal('y') }),
    'zod, a union': z.object({ x: z.union([z.email(), z.number()]) }),
    'zod, JSON': z.object({ x: z.uuid() }),
  };
  for (const [name, schema] of Object.entries(schemas)) {
    it(name, async () => {
      for (const x of [SECRET, `{${SECRET}`, `${SECRET} fails to match hunter2`, `${SECRET} (was hunter2) or`]) {
        const { document } = await run(validate({ body: schema }), { body: { x } });
        assert.equal(document.errors[0].pointer, '/x');
        assert.ok(document.errors[0].detail.length > 5, JSON.stringify(document.errors));
        assert.ok(!JSON.stringify(document).includes('hunter2'), JSON.stringify(document.errors));
      }
    });
  }
});

describe('the list of errors', () => {
  it('has all parts in one order', async () => {
    const number = (key) => z.object({ [key]: z.coerce.number() });
    const schemas = {
      body: number('b'),
      cookies: number('c'),
      headers: number('h'),
      query: number('q'),
      params: number('p'),
    };
    const { document } = await run(validate(schemas), {
      params: { p: 'x' },
      url: '/?q=x',
      query: { q: 'x' },
      headers: { h: 'x', cookie: 'c=x' },
      body: { b: 'x' },
    });
    assert.deepEqual(
      document.errors.map(({ location, pointer }) => location + pointer),
      ['params/p', 'query/q', 'headers/h', 'cookies/c', 'body/b'],
    );
  });

  it('ends at maxErrors, over all parts', async () => {
    const list = z.array(z.number());
    const long = Array.from({ length: 200 }, () => 'x');
    const count = async (options) => {
      const { document } = await run(validate({ body: list, params: list }, options), { body: long, params: long });
      return document.errors.length;
    };
    assert.equal(await count(), 50);
    assert.equal(await count({ maxErrors: 3 }), 3);
    assert.equal(await count({ maxErrors: 300 }), 300);
    const keys = Object.fromEntries(long.map((_, index) => [`k${index}`, 1]));
    const { document } = await run(validate({ body: z.strictObject({}) }, { maxErrors: 3 }), { body: keys });
    assert.deepEqual(
      document.errors.map(({ pointer }) => pointer),
      ['/k0', '/k1', '/k2'],
    );
  });

  it('has pointers by RFC 6901, and short details', async () => {
    const schema = z.object({ 'a/b': z.array(z.object({ 'c~': z.number({ error: 'x'.repeat(500) }) })) });
    const { document } = await run(validate({ body: schema }), { body: { 'a/b': [{ 'c~': 1 }, { 'c~': 'x' }] } });
    assert.equal(document.errors[0].pointer, '/a~1b/1/c~0');
    assert.equal(document.errors[0].detail.length, 201);
  });

  it('takes issues as Standard Schema has them, and others that are none', async () => {
    const schema = (issues) => ({ '~standard': { version: 1, vendor: 'x', validate: () => ({ issues }) } });
    const errors = async (issues) => (await run(validate({ body: schema(issues) }), { body: {} })).document.errors;
    assert.deepEqual(await errors([{ message: 'm', path: ['a', { key: 'b' }, 0, Symbol('s')] }]), [
      { location: 'body', pointer: '/a/b/0/Symbol(s)', detail: 'm' },
    ]);
    const none = [{ location: 'body', pointer: '', detail: 'is not valid' }];
    assert.deepEqual(await errors([]), none);
    assert.deepEqual(await errors([null, 'x']), none);
    assert.deepEqual(await errors([{}]), none);
  });
});

describe('values', () => {
  it('replace nothing when one part does not fit', async () => {
    const raw = { body: { n: '1' }, params: { n: 'x' } };
    const schema = z.object({ n: z.coerce.number() });
    const { request } = await run(validate({ body: schema, params: schema }), raw);
    assert.deepEqual([request.body, request.params], [{ n: '1' }, { n: 'x' }]);
  });

  it('of headers are laid over the others', async () => {
    const headers = { 'x-n': '5', host: 'a.example' };
    const { request } = await run(validate({ headers: z.object({ 'x-n': z.coerce.number() }) }), { headers });
    assert.deepEqual(request.headers, { 'x-n': 5, host: 'a.example' });
    assert.deepEqual(headers, { 'x-n': '5', host: 'a.example' });
  });

  it('of cookies come from cookie-parser, or from the header', async () => {
    const schema = z.looseObject({ a: z.string() });
    const parsed = async (request) => (await run(validate({ cookies: schema }), request)).request.cookies;
    assert.deepEqual(await parsed({ cookies: { a: 'x' }, headers: { cookie: 'a=y' } }), { a: 'x' });
    const header = 'a=1; b="q"; a=2; c=%C3%A9; d=%zz; e; __proto__=x; =y';
    const { a, b, c, d, ...rest } = await parsed({ headers: { cookie: header } });
    assert.deepEqual([a, b, c, d], ['1', 'q', 'é', '%zz']);
    assert.equal({}.x, undefined);
    assert.ok(!('e' in rest));
  });

  it('of a query or of parameters that are not there are empty objects', async () => {
    const schema = z.object({ n: z.coerce.number().default(3) });
    const { request } = await run(validate({ query: schema, params: schema }), {});
    assert.deepEqual([request.query, request.params], [{ n: 3 }, { n: 3 }]);
  });
});

describe('time', () => {
  it('is not spent when schemas are synchronous', () => {
    let isNext = false;
    validate({ body: z.any() })({ headers: {} }, {}, () => (isNext = true));
    assert.ok(isNext);
  });

  it('is waited for asynchronous schemas, side by side', async () => {
    const order = [];
    const schema = (name) => ({
      '~standard': {
        version: 1,
        vendor: 'x',
        validate: async (value) => {
          order.push(`${name} starts`);
          await new Promise(setImmediate);
          order.push(`${name} ends`);
          return name === 'params' ? { value } : { issues: [{ message: 'no' }] };
        },
      },
    });
    const { document } = await run(
      validate({ body: schema('body'), params: schema('params'), query: z.object({ q: z.string() }) }),
      { body: {}, params: {} },
    );
    assert.deepEqual(order, ['params starts', 'body starts', 'params ends', 'body ends']);
    assert.deepEqual(
      document.errors.map(({ location }) => location),
      ['query', 'body'],
    );
  });

  it('after a schema is the handler’s own: what it throws is no rejection', () => {
    const script = `
      const { validate } = require('./lib/validate');
      const schema = { '~standard': { version: 1, vendor: 'x', validate: async (value) => ({ value }) } };
      process.on('uncaughtException', ({ message }, origin) => console.log(message, origin));
      validate({ body: schema })({ headers: {} }, {}, () => {
        throw new Error('mine');
      });
    `;
    const { stdout } = spawnSync(process.execPath, ['-e', script], { cwd: `${__dirname}/..` });
    assert.equal(stdout.toString(), 'mine uncaughtException\n');
  });
});

describe('a schema that throws', () => {
  const schemas = {
    'at once': z.any().transform(() => {
      throw new Error(SECRET);
    }),
    'by a rejection': {
      '~standard': { version: 1, vendor: 'x', validate: () => Promise.reject(new Error(SECRET)) },
    },
    'no result': { '~standard': { version: 1, vendor: 'x', validate: () => null } },
    'a path that throws': {
      '~standard': {
        version: 1,
        vendor: 'x',
        validate: () => ({
          issues: [
            {
              message: 'm',
              path: [
                {
                  get key() {
                    throw new Error(SECRET);
                  },
                },
              ],
            },
          ],
        }),
      },
    },
  };
  for (const [how, schema] of Object.entries(schemas)) {
    it(`is a 500 that tells nothing: ${how}`, async () => {
      const { document } = await run(validate({ body: schema, params: z.object({ a: z.string() }) }), { body: {} });
      assert.equal(document.status, 500);
      assert.equal(document.code, 'ERR_CARAPACE_INTERNAL');
      assert.deepEqual([document.detail, document.errors], [undefined, undefined]);
      assert.ok(!JSON.stringify(document).includes('hunter2'));
    });
  }

  it('of zod is a 500 whether it throws at once or later, and its rules run once', async () => {
    let runs = 0;
    const schema = z.any().refine(async (value) => {
      runs += 1;
      if (value === 'throw') throw new Error(SECRET);
      return value !== 'bad';
    });
    const middleware = validate({ body: schema });
    const status = async (body) => (await run(middleware, { body })).document?.status;
    assert.equal(await status('good'), undefined);
    runs = 0;
    assert.deepEqual([await status('good'), await status('bad'), await status('throw')], [undefined, 400, 500]);
    assert.equal(runs, 3);
  });

  it('is told to the developer once, and in full with onReject next', async (context) => {
    const warnings = [];
    const onWarning = (warning) => warnings.push(warning.message);
    process.on('warning', onWarning);
    context.after(() => process.off('warning', onWarning));
    const broken = z.any().transform(() => {
      throw new Error('once only');
    });
    const middleware = validate({ body: broken }, { onReject: 'next' });
    const { error } = await run(middleware, { body: {} });
    await run(middleware, { body: {} });
    assert.deepEqual([error.status, error.expose, error.cause.message], [500, false, 'once only']);
    await new Promise(setImmediate);
    assert.equal(warnings.filter((message) => message.includes('once only')).length, 1);
  });
});

describe('options', () => {
  const schema = z.object({ n: z.number() });

  it('statusCode and onReject', async () => {
    const { error } = await run(validate({ body: schema }, { statusCode: 422, onReject: 'next' }), {
      body: { n: 'x' },
    });
    assert.deepEqual([error.status, error.type, error.expose], [422, 'request.invalid', true]);
    assert.deepEqual(
      error.errors.map(({ location, pointer }) => location + pointer),
      ['body/n'],
    );
  });

  it('report changes and refuses nothing and tells the same', async () => {
    const findings = [];
    const events = [];
    const listeners = { onFinding: (finding) => findings.push(finding), onEvent: (event) => events.push(event) };
    const { request, error } = await run(
      validate({ body: schema, params: z.object({ p: z.coerce.number() }) }, { mode: 'report', ...listeners }),
      { body: { n: SECRET }, params: { p: '1' } },
    );
    assert.deepEqual([error, request.body, request.params], [undefined, { n: SECRET }, { p: '1' }]);
    assert.deepEqual(findings, [{ rule: 'invalid', path: '/n', location: 'body', action: 'reject' }]);
    assert.deepEqual([events[0].stem, events[0].mode], ['validate', 'report']);
    assert.ok(!JSON.stringify(events).includes('hunter2'));
  });

  it('report lets a schema that throws pass too', async () => {
    const broken = z.any().transform(() => {
      throw new Error('x');
    });
    assert.equal((await run(validate({ body: broken }, { mode: 'report' }), { body: 1 })).error, undefined);
  });

  const wrong = [
    [[], 'ERR_CARAPACE_OPTION_REQUIRED', 'validate'],
    [[{}], 'ERR_CARAPACE_OPTION_REQUIRED', 'validate'],
    [[{ bod: schema }], 'ERR_CARAPACE_OPTION_UNKNOWN', 'validate.bod'],
    [[{ body: { n: 'number' } }], 'ERR_CARAPACE_OPTION_TYPE', 'validate.body'],
    [[{ body: () => true }], 'ERR_CARAPACE_OPTION_TYPE', 'validate.body'],
    [[{ body: null }], 'ERR_CARAPACE_OPTION_TYPE', 'validate.body'],
    [[{ body: { '~standard': { version: 2, validate() {} } } }], 'ERR_CARAPACE_OPTION_VALUE', 'validate.body'],
    [[{ body: schema }, { statusCode: 500 }], 'ERR_CARAPACE_OPTION_VALUE', 'validate.statusCode'],
    [[{ body: schema }, { maxErrors: 0 }], 'ERR_CARAPACE_OPTION_VALUE', 'validate.maxErrors'],
    [[{ body: schema }, { status: 422 }], 'ERR_CARAPACE_OPTION_UNKNOWN', 'validate.status'],
  ];
  for (const [args, code, path] of wrong) {
    it(`that are wrong throw ${code} at ${path}`, () => assert.throws(() => validate(...args), { code, path }));
  }
  it('of validate.joi that are wrong throw', () => {
    assert.throws(() => validate.joi({}), { code: 'ERR_CARAPACE_OPTION_TYPE', path: 'validate.joi' });
    assert.throws(() => validate.joi(Joi.any(), 7), { code: 'ERR_CARAPACE_OPTION_TYPE', path: 'validate.joi' });
  });
});

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`under ${name}`, () => {
    const page = z.strictObject({ page: z.coerce.number().default(1) });

    it('the handler gets the values, however often it reads the query', async (context) => {
      const app = express();
      app.get(
        '/items/:id',
        validate({ query: page, params: z.object({ id: z.coerce.number() }) }),
        (request, response) => {
          request.query.page += 1;
          response.json([request.query, request.params]);
        },
      );
      const { port } = await listen(context, app);
      assert.equal((await send(port, { path: '/items/7?page=2' })).body, '[{"page":3},{"id":7}]');
      assert.equal((await send(port, { path: '/items/7' })).body, '[{"page":2},{"id":7}]');
      const refused = await send(port, { path: '/items/x?page=2&page=3&admin=1' });
      assert.equal(refused.status, 400);
      assert.equal(refused.headers['content-type'], 'application/problem+json; charset=utf-8');
      const places = JSON.parse(refused.body).errors.map(({ location, pointer }) => location + pointer);
      assert.deepEqual(places, ['params/id', 'query/page', 'query/admin']);
    });

    it('the readers of carapace and of Express feed it alike', async (context) => {
      const app = express();
      const schema = z.strictObject({ user: z.string(), password: z.string() });
      const echo = (request, response) => response.json(request.body);
      app.post('/own', json(), urlencoded(), queryParser(), validate({ body: schema }), echo);
      app.post('/express', express.json(), express.urlencoded({ extended: true }), validate({ body: schema }), echo);
      const { port } = await listen(context, app);
      for (const path of ['/own', '/express']) {
        assert.equal((await sendJson(port, '{"user":"a","password":"b"}', { path })).status, 200);
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        assert.equal((await send(port, { method: 'POST', path, headers, body: 'user=a&password=b' })).status, 200);
        const attack = await sendJson(port, '{"user":"a","password":{"$ne":null}}', { path });
        assert.deepEqual([attack.status, JSON.parse(attack.body).errors[0].pointer], [400, '/password']);
        assert.equal((await send(port, { method: 'POST', path })).status, 400);
      }
    });

    it('errorHandler tells what it passes on in the same list', async (context) => {
      const app = express();
      app.get('/', validate({ query: page }, { onReject: 'next' }));
      app.use(errorHandler());
      const { port } = await listen(context, app);
      const { status, body } = await send(port, { path: '/?x=1' });
      assert.equal(status, 400);
      const { code, errors } = JSON.parse(body);
      assert.deepEqual(
        [code, errors],
        ['ERR_CARAPACE_REQUEST_INVALID', [{ location: 'query', pointer: '/x', detail: 'is not a known key' }]],
      );
    });
  });
}
