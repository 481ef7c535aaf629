// The types of schemas reach the handler by themselves.
import { type } from 'arktype';
import express, { type Request, type Response } from 'express';
import Joi from 'joi';
import * as v from 'valibot';
import { z } from 'zod';
import { json, validate, type SchemaOutput, type StandardSchema, type Validated } from 'carapace';

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const isTrue = <T extends true>(value?: T): T | undefined => value;

const app = express();
const body = z.object({ name: z.string(), age: z.coerce.number() });

app.post('/users', validate({ body }), (request, response) => {
  isTrue<Equals<typeof request.body, { name: string; age: number }>>();
  // @ts-expect-error no such member
  request.body.nmae;
  response.json(request.body.age.toFixed());
});

app.put(
  '/users/:id',
  json(),
  validate({ params: z.object({ id: z.coerce.number() }), query: z.object({ page: z.number().default(1) }), body }),
  (request, response) => {
    isTrue<Equals<typeof request.params, { id: number }>>();
    isTrue<Equals<typeof request.query, { page: number }>>();
    isTrue<Equals<typeof request.body, { name: string; age: number }>>();
    response.json(request.params.id.toFixed());
  },
);

app.get(
  '/users/:id',
  validate({ query: v.object({ q: v.pipe(v.string(), v.transform(Number)) }) }),
  (request, response) => {
    isTrue<Equals<typeof request.query, { q: number }>>();
    // Express's own type of a path, where no schema says otherwise.
    isTrue<Equals<typeof request.params.id, string>>();
    response.end();
  },
);

app.post('/ark', validate({ body: type({ name: 'string', 'age?': 'number' }) }), (request, response) => {
  isTrue<Equals<typeof request.body, { name: string; age?: number }>>();
  response.end();
});

app.post('/joi', validate({ body: Joi.object<{ name: string }>() }), (request, response) => {
  isTrue<Equals<typeof request.body, { name: string }>>();
  response.end();
});
app.post(
  '/joi',
  validate({ body: validate.joi(Joi.object<{ name: string }>(), { stripUnknown: true }) }),
  (request, response) => {
    isTrue<Equals<typeof request.body, { name: string }>>();
    response.end();
  },
);

const schemas = { body, headers: z.object({ 'x-tenant': z.string() }), cookies: z.object({ sid: z.string() }) };
app.post('/apart', validate(schemas), (request, response) => {
  const { headers, cookies } = request as typeof request & Validated<typeof schemas>;
  const tenant: string = headers['x-tenant'];
  const host: string | undefined = headers.host;
  isTrue<Equals<SchemaOutput<typeof body>, typeof request.body>>();
  response.json([tenant, host, cookies.sid]);
});
app.post('/named', validate({ body }), create);
function create(request: Request<object, unknown, SchemaOutput<typeof body>>, response: Response) {
  response.json(request.body.age.toFixed());
}

// Any validator of the interface.
const mine: StandardSchema<unknown, Date> = {
  '~standard': { version: 1, vendor: 'x', validate: () => ({ value: new Date() }) },
};
app.post('/mine', validate({ body: mine }, { statusCode: 422, maxErrors: 5 }), (request, response) => {
  isTrue<Equals<typeof request.body, Date>>();
  response.end();
});

// @ts-expect-error no such part
validate({ bdoy: body });
// @ts-expect-error no schema
validate({ body: { name: 'string' } });
// @ts-expect-error no such option
validate({ body }, { status: 422 });
