// The same in CommonJS, with each way of importing.
import stores = require('carapace/rate-limit-redis');
import Store, { RedisStore } from 'carapace/rate-limit-redis';
import older = require('carapace/rate-limit-redis/v5');
import rateLimit = require('carapace/express-rate-limit');

const sendCommand: stores.SendCommandFn = async (...args) => args.length;
const all: stores.RedisStore[] = [
  new stores.RedisStore({ sendCommand }),
  new stores.default({ sendCommand }),
  new Store({ sendCommand }),
  new RedisStore({ sendCommand, prefix: 'a:' }),
];
for (const store of all) rateLimit.rateLimit({ store });
const kept: boolean = new older.RedisStore({ sendCommand }).resetExpiryOnChange;
void kept;
