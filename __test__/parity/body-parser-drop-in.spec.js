'use strict';

const versionTwo = require('body-parser');
const { createRequire } = require('node:module');
const ours = require('carapace/body-parser');
const oursV1 = require('carapace/body-parser/v1');
const { bodyCases } = require('../helpers/body-cases');
const { parity } = require('../helpers/parity');

// The one that Express 4 brings with it.
const versionOne = createRequire(require.resolve('express4'))('body-parser');

// Told once in a process, by whichever case comes first.
oursV1.urlencoded({});
oursV1({ extended: true });

/** @param {any} lib */
const mutants = (lib) => {
  const variant = (changes) => Object.assign((...given) => lib(...given), lib, changes);
  const after = (parser, act) => (options) => {
    const middleware = lib[parser](options);
    return Object.defineProperty(
      (request, response, next) => middleware(request, response, (error) => next(act(request, error))),
      'name',
      { value: middleware.name },
    );
  };
  return {
    'parses nothing': variant({
      json: () =>
        function jsonParser(_request, _response, next) {
          next();
        },
    }),
    'has no body in its errors': variant({
      json: after('json', (_request, error) => {
        if (error) delete error.body;
        return error;
      }),
    }),
    'is lax': variant({ json: (options) => lib.json({ ...options, strict: false }) }),
    'nests no forms': variant({ urlencoded: (options) => lib.urlencoded({ ...options, extended: false }) }),
    'has another default limit': variant({ raw: (options) => lib.raw({ limit: '60kb', ...options }) }),
    'forgets the charset': variant({ text: (options) => lib.text({ ...options, defaultCharset: undefined }) }),
  };
};

parity('carapace/body-parser', { theirs: versionTwo, ours, cases: bodyCases(2), mutants: mutants(ours) });
parity('carapace/body-parser/v1', {
  theirs: versionOne,
  ours: oursV1,
  cases: bodyCases(1),
  mutants: mutants(oursV1),
  listedAs: 'carapace/body-parser',
});
