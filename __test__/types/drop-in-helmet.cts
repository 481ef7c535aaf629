// The same in CommonJS.
import helmetModule = require('carapace/helmet');
import helmet, { contentSecurityPolicy, type HelmetOptions } from 'carapace/helmet';
import express = require('express');

const app = express();
const options: HelmetOptions = { frameguard: { action: 'deny' } };
app.use(helmet(options), helmetModule.default(), helmetModule.xFrameOptions(), contentSecurityPolicy());
app.use(helmet({ contentSecurityPolicy: { directives: { defaultSrc: ["'self'"], scriptSrc: ["'self'"] } } }));
