'use strict';

const { CarapaceError } = require('../errors');

/** @typedef {import('./metrics').Family} Family */

/**
 * Prometheus's text format, version 0.0.4.
 * @param {Family[]} families
 */
function textOf(families) {
  return families
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${labelsOf(labels)} ${value}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

/** @param {Record<string, string>} labels */
function labelsOf(labels) {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return all.length === 0 ? '' : `{${all.join(',')}}`;
}

/** @param {string} value */
function escape(value) {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/**
 * Puts the metrics into a registry of prom-client, which reads them when it is read itself.
 * @param {any} registry
 * @param {() => Family[]} familiesOf
 */
function register(registry, familiesOf) {
  if (typeof registry?.registerMetric !== 'function') {
    const message = 'has no method registerMetric, as a registry of prom-client has';
    throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: 'carapace.metrics.registry' });
  }
  familiesOf().forEach(({ name, help, type }, index) => {
    registry.registerMetric({
      name,
      help,
      type,
      aggregator: type === 'gauge' ? 'min' : 'sum',
      /** @this {any} */
      async get() {
        const values = familiesOf()[index].samples.map(({ suffix, labels, value }) => {
          return { labels, value, ...(suffix && { metricName: `${name}${suffix}` }) };
        });
        return { name: this.name, help, type, values, aggregator: this.aggregator };
      },
      // The chain's counts go on; prom-client calls this for all metrics together.
      reset() {},
    });
  });
}

module.exports = { register, textOf };
