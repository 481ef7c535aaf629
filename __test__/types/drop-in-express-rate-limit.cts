// The same in CommonJS.
import rateLimitModule = require('carapace/express-rate-limit');
import rateLimit, { MemoryStore, ipKeyGenerator } from 'carapace/express-rate-limit';
import express = require('express');

const options: Partial<rateLimitModule.Options> = { limit: 5, store: new MemoryStore() };
express().use(rateLimit(options), rateLimitModule.rateLimit({ keyGenerator: ({ ip }) => ipKeyGenerator(ip) }));
