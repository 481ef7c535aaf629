'use strict';

// A JSON API with a login: one limit for every client, a stricter one for guessed passwords, schemas for what comes in, one shape for
// every error. With REDIS_URL all instances count together; without it each process counts for itself.
const { createHmac, randomBytes, scrypt, timingSafeEqual } = require('node:crypto');
const { promisify } = require('node:util');
const carapace = require('carapace');
const express = require('express');
const { z } = require('zod');

const { REDIS_URL, INSTANCES = '1', PORT = '3000', SECRET = randomBytes(32).toString('hex') } = process.env;
const derive = promisify(scrypt);
const salt = randomBytes(16);
const users = new Map([['alice@example.com', derive('correct horse battery staple', salt, 32)]]);
const nobody = derive(randomBytes(16), salt, 32);

const store = REDIS_URL ? carapace.redisStore({ url: REDIS_URL, instances: Number(INSTANCES) }) : undefined;
const Login = z.strictObject({ email: z.email(), password: z.string().max(200) });
const Note = z.strictObject({
  text: z.string().trim().min(1).max(500),
  tags: z.array(z.string().max(20)).max(5).default([]),
});

const shield = carapace({
  preset: 'api',
  json: { limit: '10kb' },
  rateLimit: { name: 'api', limit: 100, windowMs: 15 * 60_000, store },
  routes: {
    'POST /login': {
      json: { limit: '1kb' },
      login: { account: (request) => request.body?.email, limit: 3, blockMs: 60_000 },
      validate: { body: Login },
    },
    'POST /notes': { validate: { body: Note } },
  },
});

const sign = (/** @type {string} */ text) => createHmac('sha256', SECRET).update(text).digest('base64url');
const isSame = (one, other) => one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

async function login(request, response) {
  const { email, password } = request.body;
  const isRight = isSame(await derive(password, salt, 32), await (users.get(email) ?? nobody));
  if (!isRight) return response.status(401).json({ detail: 'wrong address or password' });
  const claim = Buffer.from(JSON.stringify({ email, until: Date.now() + 15 * 60_000 })).toString('base64url');
  response.json({ token: `${claim}.${sign(claim)}` });
}

function authenticated(request, response, next) {
  const [, claim = '', mark = ''] = /^Bearer ([\w-]+)\.([\w-]+)$/.exec(request.headers.authorization ?? '') ?? [];
  if (claim === '' || !isSame(mark, sign(claim))) return response.status(401).json({ detail: 'log in first' });
  request.user = JSON.parse(Buffer.from(claim, 'base64url').toString());
  if (request.user.until < Date.now()) return response.status(401).json({ detail: 'log in again' });
  next();
}

const app = express();
app.use(shield);
app.post('/login', login);
app.post('/notes', authenticated, (request, response) => response.status(201).json(request.body));
app.use(carapace.errorHandler.notFound());
app.use(shield.errorHandler);

const server = app.listen(Number(PORT), (error) => {
  if (error) throw error;
  console.log(`counts are kept in ${REDIS_URL ? 'Redis' : 'this process'}; http://localhost:${server.address().port}`);
});
shield.attach(server);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    console.log('stopping');
    await shield.close({ timeoutMs: 10_000 });
    process.exit(0);
  });
}
