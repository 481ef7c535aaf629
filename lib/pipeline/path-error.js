'use strict';

/** What a path has that the grammar does not. */
class PathError extends Error {}

module.exports = { PathError };
