'use strict';

/**
 * @param {import('./address').Connection} _connection
 * @param {import('./settings').RedisSettings} _settings
 * @param {(isUp: boolean, reason: string) => void} _tell
 * @returns {import('./shares').Transport}
 */
function openNativeLine(_connection, _settings, _tell) {
  throw new Error('not built');
}

module.exports = { openNativeLine };
