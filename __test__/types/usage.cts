// What CommonJS in TypeScript may write, with and without a default import.
import carapace, { rateLimit } from 'carapace';
import all = require('carapace');
import http = require('node:http');

const limiter = rateLimit({ limit: 1 });
http.createServer((request, response) => limiter(request, response, () => response.end()));
carapace({ rateLimit: false });
all.rateLimit({ limit: 1 });
all.default({ rateLimit: { limit: 1 } });
all({ rateLimit: { limit: 1 } });
const options: all.RateLimitOptions = { limit: 1 };
rateLimit(options);
const code = (error: all.CarapaceError): all.ErrorCode => error.code;
if (code.length > 1) throw new Error('unused');
