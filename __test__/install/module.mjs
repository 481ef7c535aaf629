import carapace, { rateLimit } from 'carapace';
import check from './check.js';

if (typeof rateLimit !== 'function') throw new Error('no rateLimit');
await check(carapace);
