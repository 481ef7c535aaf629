// What an ES module in TypeScript may write; a line marked as an error must be one.
import express from 'express';
import carapace, { CarapaceError, rateLimit, type CarapaceEvent, type RateLimitInfo } from 'carapace';

const app = express();
app.use(carapace({ rateLimit: { limit: 100 } }));
app.use(carapace());
app.use('/api', rateLimit({ limit: 100, windowMs: 60_000, onEvent: (event: CarapaceEvent) => void event.type }));
app.get('/', (request, response) => {
  const { rateLimit: info } = request as typeof request & { rateLimit?: RateLimitInfo };
  response.json(info?.remaining);
});

const error = new Error() as CarapaceError;
if (error instanceof CarapaceError && error.code === 'ERR_CARAPACE_OPTION_TYPE') error.path?.length;

// @ts-expect-error limit is required
rateLimit({});
// @ts-expect-error no such option
rateLimit({ limit: 1, max: 2 });
// @ts-expect-error no such code
if (error.code === 'ERR_OTHER') error.message;
