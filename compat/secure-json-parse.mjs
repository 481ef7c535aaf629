import secureJson from './secure-json-parse.js';

export default secureJson;
export const { parse, safeParse, scan } = secureJson;
