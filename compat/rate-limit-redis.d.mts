export * from './rate-limit-redis.js';
declare const RedisStore: typeof import('./rate-limit-redis.js', { with: { 'resolution-mode': 'require' } }).default;
export default RedisStore;
