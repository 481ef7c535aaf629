import js from '@eslint/js';
import globals from 'globals';

const SIZE = {
  'max-lines': ['error', { max: 250 }],
  'max-lines-per-function': ['error', { max: 50, skipComments: true, skipBlankLines: true }],
};

const CARE = {
  eqeqeq: 'error',
  'no-console': 'error',
  // Control characters are what much of this package is about.
  'no-control-regex': 'off',
  'no-eval': 'error',
  'no-implicit-coercion': 'error',
  'no-param-reassign': 'off',
  'no-shadow': 'off',
  'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
  'no-var': 'error',
  'prefer-const': 'error',
  'prefer-template': 'error',
  curly: ['error', 'multi-line'],
};

export default [
  {
    ignores: [
      'bin/vendor/',
      '__test__/fixtures/migrate/',
      'lib/native/',
      'target/',
      'fuzz/target/',
      'node_modules/',
      'docs/',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { ecmaVersion: 2023, globals: globals.node },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: CARE,
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: globals.node }, rules: CARE },
  { files: ['**/*.test.{cjs,mjs}'], languageOptions: { globals: globals.jest } },
  { files: ['**/*.js'], languageOptions: { sourceType: 'commonjs' } },
  { files: ['index.js', 'index.mjs', 'bin/**/*.js', 'lib/**/*.js', 'compat/**/*.js'], rules: SIZE },
  // The peers write to the console, and their users silence it there.
  { files: ['compat/**'], rules: { 'no-console': 'off' } },
  { files: ['bench/**', 'scripts/**', 'examples/**', '__test__/**'], rules: { 'no-console': 'off' } },
];
