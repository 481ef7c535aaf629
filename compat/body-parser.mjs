import bodyParser from './body-parser.js';

export default bodyParser;
export const { json, raw, text, urlencoded } = bodyParser;
