'use strict';

/**
 * What each preset sets; an option of the user's goes before that of the preset, and options of one part are joined.
 * @type {Record<'web' | 'api' | 'strict', Record<string, any>>}
 */
const PRESETS = {
  web: {},
  api: { securityHeaders: { preset: 'api' }, urlencoded: false },
  strict: {
    securityHeaders: { preset: 'strict' },
    cookies: true,
    rateLimit: { limit: 100, windowMs: 60_000 },
    json: { limit: '10kb', action: 'reject' },
    urlencoded: { limit: '10kb', action: 'reject', strictContentType: true },
    queryParser: { action: 'reject' },
    sanitize: { action: 'reject' },
    hpp: { keep: 'reject' },
  },
};

module.exports = { PRESETS };
