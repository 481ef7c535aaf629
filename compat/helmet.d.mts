export * from './helmet.js';
declare const helmet: typeof import('./helmet.js', { with: { 'resolution-mode': 'require' } }).default;
export default helmet;
