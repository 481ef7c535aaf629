import stores from './rate-limit-redis-v5.js';

export const { RedisStore } = stores;
export default RedisStore;
