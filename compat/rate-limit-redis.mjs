import stores from './rate-limit-redis.js';

export const { RedisStore } = stores;
export default RedisStore;
