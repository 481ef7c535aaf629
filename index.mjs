import parts from './index.js';

export default parts.carapace;
export const { CarapaceError, carapace, explainClient, json, queryParser, rateLimit, securityHeaders, urlencoded } =
  parts;
