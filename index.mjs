import parts from './index.js';

export default parts.carapace;
export const {
  CarapaceError,
  carapace,
  explainClient,
  hostStore,
  hpp,
  json,
  queryParser,
  rateLimit,
  redisStore,
  sanitize,
  securityHeaders,
  urlencoded,
} = parts;
