export * from './index.js';
declare const carapace: typeof import('./index.js', { with: { 'resolution-mode': 'require' } }).default;
export default carapace;
