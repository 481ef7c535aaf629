import carapace, { rateLimit, type RateLimitOptions } from 'carapace';
import { createServer } from 'node:http';

const options: RateLimitOptions = { limit: 5, windowMs: 1000 };
const limiter = rateLimit(options);
const shield = carapace({ rateLimit: options });
createServer((request, response) => shield(request, response, () => limiter(request, response, () => response.end())));
