// Paths, from the project's root, that the build and the tests share.

/** The core built with the feature `test-hooks`. */
export const HOOKED_ADDON = 'lib/native/carapace.test-hooks.node';
