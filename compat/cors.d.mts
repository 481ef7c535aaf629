import cors = require('./cors.js');
export default cors;
export type CorsRequest = cors.CorsRequest;
export type CorsOptions = cors.CorsOptions;
export type CorsOptionsDelegate<T extends cors.CorsRequest = cors.CorsRequest> = cors.CorsOptionsDelegate<T>;
