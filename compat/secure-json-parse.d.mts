import secureJson = require('./secure-json-parse.js');
export default secureJson;
export declare const parse: typeof secureJson.parse;
export declare const safeParse: typeof secureJson.safeParse;
export declare const scan: typeof secureJson.scan;
export type ParseOptions = secureJson.ParseOptions;
export type ScanOptions = secureJson.ScanOptions;
export type Reviver = secureJson.Reviver;
