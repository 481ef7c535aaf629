'use strict';

// Server-rendered pages: each answer has a nonce of its own for its scripts, the session's cookie gets its flags, and the form is read
// under limits. The guest book escapes what it shows; should a page forget to, the policy still keeps a stranger's script from running.
const { randomBytes } = require('node:crypto');
const carapace = require('carapace');
const express = require('express');
const session = require('express-session');
const { z } = require('zod');

const { PORT = '3000', SECRET = randomBytes(32).toString('hex') } = process.env;

const shield = carapace({
  preset: 'web',
  securityHeaders: { contentSecurityPolicy: { nonce: ['script-src', 'style-src'] } },
  cookies: { sameSite: 'strict', cookies: { theme: { sameSite: 'lax', httpOnly: false } } },
  urlencoded: { limit: '4kb' },
  json: false,
  hpp: { scalar: ['name', 'text'] },
  rateLimit: { limit: 100, windowMs: 60_000 },
  routes: {
    'POST /entries': {
      rateLimit: { limit: 5, windowMs: 60_000 },
      validate: { body: z.strictObject({ name: z.string().trim().min(1).max(50), text: z.string().max(500) }) },
    },
  },
});

/** @type {{ name: string, text: string }[]} */
const entries = [];
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (/** @type {string} */ text) => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]);

const page = ({ nonce, name }) => `<!doctype html>
<title>Guest book</title>
<style nonce="${nonce}">body { font: 1rem sans-serif; max-width: 40rem; margin: auto }</style>
<h1>Guest book</h1>
<ul>${entries.map((entry) => `<li>${escape(entry.name)}: ${escape(entry.text)}</li>`).join('')}</ul>
<form method="post" action="/entries">
  <input name="name" value="${escape(name)}" placeholder="name" required> <input name="text" placeholder="text"> <button>Write</button>
</form>
<script nonce="${nonce}">document.querySelector('input').focus();</script>
`;

const app = express();
app.use(shield);
app.use(session({ name: 'session', secret: SECRET, resave: false, saveUninitialized: false }));
app.get('/', (request, response) => {
  if (!request.headers.cookie?.includes('theme=')) response.cookie('theme', 'light');
  response.send(page({ nonce: response.locals.cspNonce, name: request.session.name ?? '' }));
});
app.post('/entries', (request, response) => {
  request.session.name = request.body.name;
  entries.push(request.body);
  response.redirect(303, '/');
});
app.use(carapace.errorHandler.notFound());
app.use(shield.errorHandler);

const server = app.listen(Number(PORT), (error) => {
  if (error) throw error;
  console.log(`a guest book: http://localhost:${server.address().port}`);
});
shield.attach(server);

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => shield.close().then(() => process.exit(0)));
