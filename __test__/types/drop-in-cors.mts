// What users of cors write in TypeScript, on the drop-in, as an ES module.
import cors from 'carapace/cors';
import type { CorsOptions, CorsOptionsDelegate, CorsRequest } from 'carapace/cors';
import express from 'express';

const app = express();
app.use(cors());

const corsOptions: CorsOptions = {
  origin: 'http://example.com',
  optionsSuccessStatus: 200,
};
app.get('/products/:id', cors(corsOptions), (_request, response) => {
  response.json({ msg: 'Hello' });
});
app.options('/products/:id', cors<express.Request>());

app.use(cors({ origin: ['http://example1.com', /\.example2\.com$/] }));
app.use(cors({ origin: true }), cors({ origin: false }), cors({ origin: /example\.com$/ }));
app.use(cors({ origin: undefined, methods: undefined, maxAge: undefined }));

const allowlist = ['http://example1.com', 'http://example2.com'];
const dynamic: CorsOptions = {
  origin: (requestOrigin, callback) => {
    if (requestOrigin && allowlist.includes(requestOrigin)) callback(null, true);
    else callback(new Error('Not allowed by CORS'));
  },
  credentials: true,
  methods: ['GET', 'PUT'],
  allowedHeaders: 'Content-Type,Authorization',
  exposedHeaders: ['Content-Range', 'X-Content-Range'],
  maxAge: 600,
  preflightContinue: false,
};
app.use(cors(dynamic));

const delegate: CorsOptionsDelegate<express.Request> = (req, callback) => {
  const options: CorsOptions = allowlist.includes(req.header('Origin') ?? '') ? { origin: true } : { origin: false };
  callback(null, options);
};
app.use(cors(delegate));

const plain: CorsOptionsDelegate = (req: CorsRequest, callback) =>
  callback(null, { origin: req.headers.origin ?? false });
app.use(cors(plain));

// @ts-expect-error no such type of age
cors({ maxAge: '600' });
