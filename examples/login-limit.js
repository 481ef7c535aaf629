'use strict';

// A login that cannot be guessed: failures count for the account, for the address and for both together, and the one that
// uses up a limit blocks. Run it with `node examples/login-limit.js`.
const { json, rateLimit } = require('carapace');
const express = require('express');

const port = Number(process.env.PORT ?? 3000);
const PASSWORDS = new Map([['alice', 'correct horse battery staple']]);

const loginLimit = rateLimit.login({
  account: (request) => request.body?.user,
  limit: 3,
  blockMs: 60_000,
  onDecision: ({ action, policy, isBlocked }) => {
    if (action === 'deny') console.log(`denied by ${policy}${isBlocked ? ', blocked' : ''}`);
  },
});

const app = express();
app.use(rateLimit({ limit: 300, name: 'everything' }));
app.post('/login', json({ limit: '1kb' }), loginLimit, (request, response) => {
  const { user, password } = request.body ?? {};
  const isRight = PASSWORDS.has(user) && PASSWORDS.get(user) === password;
  response.status(isRight ? 200 : 401).json({ isRight, remaining: request.rateLimit.remaining });
});

const server = app.listen(port, (error) => {
  if (error) {
    console.error(`port ${port} cannot be used: ${error.message}`);
    process.exit(1);
  }
  const url = `http://localhost:${server.address().port}/login`;
  console.log(`Guess a password, four times:

  curl -si ${url} -H 'content-type: application/json' -d '{"user":"alice","password":"123456"}'
`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
