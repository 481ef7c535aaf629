// The same in CommonJS.
import mongoSanitize = require('carapace/express-mongo-sanitize');
import mongoSanitizeDefault from 'carapace/express-mongo-sanitize';
import hpp = require('carapace/hpp');
import secureJson = require('carapace/secure-json-parse');
import { safeParse } from 'carapace/secure-json-parse';
import express = require('express');

const app = express();
const whitelist: hpp.Options['whitelist'] = 'a';
app.use(hpp({ whitelist }));
app.use(mongoSanitize({ onSanitize: ({ key }) => key.length }), mongoSanitizeDefault());
const options: secureJson.ParseOptions = { safe: true };
secureJson.parse('{}', options);
secureJson('{}');
safeParse('{}');
