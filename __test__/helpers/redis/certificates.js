'use strict';

const { spawnSync } = require('node:child_process');
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

/**
 * Makes an authority and a certificate that it signed for `localhost` and 127.0.0.1, as `ca.crt`, `server.crt` and
 * `server.key` in a directory, valid for a day, along with the certificate of an authority that signed nothing here.
 * @param {string} dir
 * @returns {{ ca: string, stranger: string, files: { ca: string, stranger: string } }} in PEM
 */
function makeCertificates(dir) {
  const at = (/** @type {string} */ name) => join(dir, name);
  for (const name of ['ca', 'stranger']) {
    openssl(
      'req',
      '-x509',
      ...newKey(at(`${name}.key`)),
      '-days',
      '1',
      '-subj',
      `/CN=${name} of a test`,
      '-out',
      at(`${name}.crt`),
    );
  }
  openssl('req', ...newKey(at('server.key')), '-subj', '/CN=localhost', '-out', at('server.csr'));
  writeFileSync(
    at('server.ext'),
    'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n',
  );
  const signer = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('server.ext')];
  openssl('x509', '-req', '-in', at('server.csr'), ...signer, '-days', '1', '-out', at('server.crt'));
  return {
    ca: readFileSync(at('ca.crt'), 'utf8'),
    stranger: readFileSync(at('stranger.crt'), 'utf8'),
    files: { ca: at('ca.crt'), stranger: at('stranger.crt') },
  };
}

/** @param {string} file */
function newKey(file) {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];
}

/** @param {...string} args */
function openssl(...args) {
  const { status, stderr, error } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${error?.message ?? stderr}`);
}

module.exports = { makeCertificates };
