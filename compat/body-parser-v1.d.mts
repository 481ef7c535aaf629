import bodyParser = require('./body-parser-v1.js');
export default bodyParser;
export declare const json: typeof bodyParser.json;
export declare const raw: typeof bodyParser.raw;
export declare const text: typeof bodyParser.text;
export declare const urlencoded: typeof bodyParser.urlencoded;
