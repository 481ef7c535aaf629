export * from './rate-limit-redis-v5.js';
declare const RedisStore: typeof import('./rate-limit-redis-v5.js', { with: { 'resolution-mode': 'require' } }).default;
export default RedisStore;
