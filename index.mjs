import parts from './index.js';

export default parts.carapace;
export const {
  CarapaceError,
  carapace,
  cors,
  explainClient,
  hostStore,
  hpp,
  json,
  queryParser,
  rateLimit,
  sanitize,
  securityHeaders,
  urlencoded,
} = parts;
