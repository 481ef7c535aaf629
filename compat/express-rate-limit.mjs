import limiter from './express-rate-limit.js';

export default limiter.rateLimit;
export const { DAY, HOUR, MINUTE, MemoryStore, SECOND, ipKeyGenerator, rateLimit } = limiter;
