import parts from './index.js';

export default parts.carapace;
export const {
  CarapaceError,
  carapace,
  cookies,
  cors,
  errorHandler,
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
  validate,
} = parts;
