// What users of body-parser write in ES modules.
import type { Options, OptionsJson } from 'body-parser';
import bodyParser, { json, raw, text, urlencoded } from 'carapace/body-parser';
import bodyParserV1 from 'carapace/body-parser/v1';
import express, { type Request, type Response } from 'express';
import { createServer } from 'node:http';

const app = express();

app.use(bodyParser.urlencoded({ extended: false }));
app.use(bodyParser.json());
app.use(json({ type: 'application/*+json', limit: '1mb', strict: false, reviver: (_key, value) => value }));
app.use(raw({ type: 'application/vnd.custom-type', inflate: false }), text({ type: ['text/html', 'text/*'] }));
app.use(text({ defaultCharset: 'iso-8859-1' }));
app.use(urlencoded({ extended: true, depth: 5, parameterLimit: 10, charsetSentinel: true }));
app.use(
  bodyParser.json({
    type: (request) => request.headers['content-type'] === 'x',
    verify(request, _response, buffer, encoding) {
      if (buffer.toString(encoding as BufferEncoding) === '') throw new Error(request.url);
    },
  }),
);
app.post('/', bodyParserV1.json(), (request: Request, response: Response) => void response.json(request.body));
app.use(bodyParserV1({ extended: true }));

const jsonParser = bodyParser.json();
createServer((request, response) =>
  jsonParser(request, response, (error?: unknown) => void response.end(String(error))),
);

const options: bodyParser.OptionsJson = { strict: true };
const theirs: OptionsJson = options;
const mine: bodyParser.Options = {} as Options;
json(theirs);
raw(mine);
const handler: bodyParser.NextHandleFunction = json();
app.use(handler);

// @ts-expect-error no such option
json({ limits: 5 });
