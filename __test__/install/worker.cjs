// Loads the core, counts one hit in the table of the process, and ends.
const { rateLimit } = require('carapace');

const limiter = rateLimit({ limit: 1_000_000, windowMs: 86_400_000, name: 'install-test' });
limiter.penalty('worker', 1);
module.exports = () => typeof limiter;
