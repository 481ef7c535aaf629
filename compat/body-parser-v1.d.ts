import bodyParser = require('./body-parser.js');
export = bodyParser;
