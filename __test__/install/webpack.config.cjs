const { join } = require('node:path');

module.exports = {
  mode: 'production',
  target: 'node',
  entry: './commonjs.cjs',
  output: { path: join(process.cwd(), 'bundles'), filename: 'webpack.cjs' },
  externals: { carapace: 'commonjs carapace' },
};
