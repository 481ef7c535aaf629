export * from './express-rate-limit.js';
declare const rateLimit: typeof import('./express-rate-limit.js', { with: { 'resolution-mode': 'require' } }).default;
export default rateLimit;
