// What users of hpp, express-mongo-sanitize and secure-json-parse write in ES modules.
import mongoSanitize, { has, sanitize } from 'carapace/express-mongo-sanitize';
import hpp from 'carapace/hpp';
import secureJson, { parse, safeParse, scan, type ParseOptions, type Reviver } from 'carapace/secure-json-parse';
import * as everything from 'carapace/secure-json-parse';
import express from 'express';
import peerSanitize from 'express-mongo-sanitize';
import peerJson, { type ParseOptions as PeerJsonOptions } from 'secure-json-parse';

const app = express();

app.use(hpp());
app.use('/search', hpp({ whitelist: ['filter'] }));
app.use(hpp({ checkQuery: false, checkBody: true, checkBodyOnlyForContentType: 'json', whitelist: 'a' }));
const hppOptions: hpp.Options = { whitelist: ['a'] };
hpp(hppOptions);
// @ts-expect-error no list of numbers
hpp({ whitelist: [1] });

app.use(mongoSanitize());
app.use(mongoSanitize({ replaceWith: '_', allowDots: true }));
app.use(
  mongoSanitize({
    dryRun: true,
    onSanitize: ({ req, key }) => {
      const url: string = req.originalUrl;
      console.warn(`[DryRun] This request[${key}] will be sanitized`, url);
    },
  }),
);
const payload = { $a: 1 };
const cleaned: { $a: number } = mongoSanitize.sanitize(payload, { replaceWith: '_' });
const isProhibited: boolean = mongoSanitize.has(cleaned, true) || has([payload]);
sanitize(payload);
const sanitizeOptions: mongoSanitize.Options = { allowDots: true };
const peerOptions: peerSanitize.Options = sanitizeOptions;
app.use(mongoSanitize(peerOptions));
// @ts-expect-error no text
mongoSanitize({ replaceWith: 5 });

const options: ParseOptions = { protoAction: 'remove', constructorAction: 'ignore', safe: true };
const reviver: Reviver = (_key, value) => value;
secureJson('{}', reviver, options);
secureJson.parse('{}', null, options);
secureJson(Buffer.from('{}'), options);
const value: { a: number } = parse('{"a":1}');
safeParse('{}', reviver)?.a;
scan(value, options);
everything.parse('{}');
const peerParse: typeof peerJson.parse = secureJson.parse;
const peerJsonOptions: PeerJsonOptions = options;
void [isProhibited, peerParse, peerJsonOptions];
// @ts-expect-error no such action
parse('{}', { protoAction: 'delete' });
