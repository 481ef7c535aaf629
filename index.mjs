import parts from './index.js';

export default parts.carapace;
export const { CarapaceError, carapace, json, queryParser, rateLimit, securityHeaders, urlencoded } = parts;
