'use strict';

const { copyHidden, copyProperty, emptyLike, isContainer, listedKeys, setOwn } = require('../plain-value');
const { pointerOf } = require('../pointer');
const { MARKS, marksOf, marksOfName } = require('./key-marks');
const { renamed, ruleFor } = require('./rules');

/**
 * @typedef {import('./rules').Rules} Rules
 * @typedef {import('./rules').Rule} Rule
 * @typedef {import('../pointer').Place} Place
 * @typedef {{ rule: string, path: string, action: string }} Found
 * @typedef {{ rule: string, path: string }} Refusal
 * @typedef {{ source: any, copy: any, keys: string[] | undefined, at: number, place: Place | undefined, around: Frame | undefined }} Frame
 */

/** Most findings that are listed; removal goes on beyond it (src/json/sanitize.rs). */
const FINDINGS_CAP = 100;

/** Makes a clean copy of one value, member by member in the order of their keys, without recursion. */
class Cleaner {
  /** @param {Rules} rules */
  constructor(rules) {
    this.rules = rules;
    /** @type {Found[]} */
    this.findings = [];
    /** @type {Refusal | undefined} */
    this.refusal = undefined;
    this.isChanged = false;
    /** The copy of each container, so that cycles and shared parts are those of the copy. @type {Map<object, object>} */
    this.copies = new Map();
    /** @type {Frame | undefined} */
    this.frame = undefined;
  }

  /**
   * @param {unknown} root
   * @returns {unknown} the copy; unfinished when there is a `refusal`
   */
  clean(root) {
    const result = this.valueFor(root, undefined);
    while (this.frame !== undefined && this.refusal === undefined) {
      const { frame } = this;
      const { at } = frame;
      if (at >= (frame.keys ?? frame.source).length) {
        this.frame = frame.around;
        continue;
      }
      frame.at += 1;
      const key = frame.keys?.[at] ?? at;
      if (Array.isArray(frame.source)) this.cleanElement(frame, key);
      else this.cleanMember(frame, /** @type {string} */ (key));
    }
    return result;
  }

  /**
   * @param {Frame} frame
   * @param {string | number} index
   */
  cleanElement(frame, index) {
    const { source, copy } = frame;
    if (Object.hasOwn(source, index)) setOwn(copy, index, this.valueFor(source[index], { key: index, within: frame }));
  }

  /**
   * @param {Frame} frame
   * @param {string} key
   */
  cleanMember(frame, key) {
    const { source, copy } = frame;
    const descriptor = Object.getOwnPropertyDescriptor(source, key);
    if (descriptor === undefined) return;
    const place = { key, within: frame };
    const name = this.nameFor(frame, key, descriptor.value, place);
    if (name === undefined) return;
    if ('value' in descriptor) setOwn(copy, name, this.valueFor(descriptor.value, place));
    else copyProperty(source, key, copy);
  }

  /**
   * The name under which a member stays, or undefined when it does not.
   * @param {Frame} frame
   * @param {string} key
   * @param {unknown} value
   * @param {Place} place
   * @returns {string | undefined}
   */
  nameFor(frame, key, value, place) {
    const marks = (this.rules.isForm ? marksOfName(key) : marksOf(key)) & this.rules.wanted;
    if (marks === 0 || (marks === MARKS.constructor && !ownsPrototype(value))) return key;
    const rule = ruleFor(this.rules, marks, place);
    if (rule === undefined) return key;
    const path = pointerOf(place);
    const { name, action } = rule;
    if (action === 'reject') {
      this.refusal = { rule: name, path };
      return undefined;
    }
    const newName = action === 'replace' ? this.freeName(frame, rule, key) : undefined;
    const isKept = action === 'report' || newName !== undefined;
    this.found({ rule: name, path, action: isKept ? action : 'strip' });
    return isKept ? (newName ?? key) : undefined;
  }

  /**
   * The new name of a member, unless a sibling has it already: that would be overwritten.
   * @param {Frame} frame
   * @param {Rule} rule
   * @param {string} key
   */
  freeName({ source, copy }, rule, key) {
    const name = renamed(this.rules, rule, key);
    return name === undefined || Object.hasOwn(source, name) || Object.hasOwn(copy, name) ? undefined : name;
  }

  /**
   * What stands in the copy for a value: a container's copy is filled later.
   * @param {unknown} value
   * @param {Place | undefined} place
   * @returns {unknown}
   */
  valueFor(value, place) {
    if (typeof value === 'string' && this.rules.text !== undefined) return this.textFor(value, place);
    if (!isContainer(value)) return value;
    const known = this.copies.get(value);
    if (known !== undefined) return known;
    const keys = listedKeys(value);
    const copy = emptyLike(value);
    copyHidden(value, keys, copy);
    this.copies.set(value, copy);
    this.frame = { source: value, copy, keys, at: 0, place, around: this.frame };
    return copy;
  }

  /**
   * @param {string} text
   * @param {Place | undefined} place
   */
  textFor(text, place) {
    const judgement = this.rules.text?.judge(text);
    if (judgement === undefined) return text;
    const around = pointerOf(place);
    for (const { rule, path, action } of judgement.findings) this.found({ rule, path: around + path, action });
    if (judgement.text !== undefined) this.isChanged = true;
    if (judgement.refusal) this.refusal = { rule: judgement.refusal.rule, path: around + judgement.refusal.path };
    return judgement.text ?? text;
  }

  /** @param {Found} finding */
  found(finding) {
    if (finding.action !== 'report') this.isChanged = true;
    if (this.findings.length < FINDINGS_CAP) this.findings.push(finding);
  }
}

/** @param {unknown} value */
function ownsPrototype(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, 'prototype');
}

module.exports = { Cleaner };
