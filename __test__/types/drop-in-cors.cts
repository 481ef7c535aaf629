// The same in CommonJS, with and without a default import.
import cors = require('carapace/cors');
import corsDefault from 'carapace/cors';
import * as http from 'node:http';

const options: cors.CorsOptions = { origin: 'http://example.com' };
const delegate: cors.CorsOptionsDelegate = (_req, callback) => callback(null, options);
const middleware = cors<http.IncomingMessage>(options);
http.createServer((request, response) => middleware(request, response, () => response.end()));
corsDefault(delegate);
