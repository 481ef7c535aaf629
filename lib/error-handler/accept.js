'use strict';

/** Longest `Accept` that is looked at, in characters; browsers send about 150. */
const CAP = 1000;
const JSON_TYPES = ['application/problem+json', 'application/json'];

/**
 * Whether a client would rather read HTML than JSON (RFC 9110, section 12.5.1). Without `Accept`, and where it does not
 * matter, JSON.
 * @param {string | undefined} accept
 */
function prefersHtml(accept) {
  if (accept === undefined || !accept.includes('text/')) return false;
  const ranges = accept.slice(0, CAP).toLowerCase().split(',').map(parseRange);
  const json = Math.max(...JSON_TYPES.map((type) => qualityOf(type, ranges)));
  return qualityOf('text/html', ranges) > json;
}

/** @param {string} text */
function parseRange(text) {
  const [range, ...parameters] = text.split(';').map((part) => part.trim());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  return { range, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/**
 * The quality of the most specific range that has the type.
 * @param {string} type
 * @param {{ range: string, quality: number }[]} ranges
 */
function qualityOf(type, ranges) {
  for (const wanted of [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']) {
    const found = ranges.find(({ range }) => range === wanted);
    if (found !== undefined) return found.quality;
  }
  return 0;
}

module.exports = { prefersHtml };
