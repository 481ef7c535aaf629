import parts from './index.js';

export default parts.carapace;
export const { CarapaceError, carapace, hostStore, json, queryParser, rateLimit, urlencoded } = parts;
