'use strict';

/** A random generator with a seed (mulberry32), so that a failure can be had again. */
class Random {
  /** @param {number} seed */
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** @returns {number} from 0 up to but without 1 */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** @param {number} end @returns {number} a whole number from 0 up to but without `end` */
  below(end) {
    return Math.floor(this.next() * end);
  }

  /** @param {number} share of 1 */
  chance(share) {
    return this.next() < share;
  }

  /**
   * @template T
   * @param {readonly T[]} items
   * @returns {T}
   */
  pick(items) {
    return items[this.below(items.length)];
  }

  /**
   * @template T
   * @param {number} most
   * @param {() => T} make
   * @returns {T[]} of 0 to `most` items
   */
  list(most, make) {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

module.exports = { Random };
