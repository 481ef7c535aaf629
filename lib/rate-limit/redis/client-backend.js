'use strict';

const native = /** @type {any} */ (require('../../loader'));
const { createCircuit } = require('./circuit');
const { FAILURE, failureOf, isScriptUnknown } = require('./failures');
const { createLine } = require('./line');
const { forgetAll } = require('./forget-all');

/**
 * @typedef {import('./clients').Client} Client
 * @typedef {import('./settings').RedisSettings} Settings
 * @typedef {{ id: number, name: 'hit' | 'change', keys: string[], args: string[] }} Batch
 * @typedef {import('./shares').Transport} Transport
 */

// How late a timer is when this thread did nothing else for so long: then Redis may have answered in time.
const STALL_MS = 20;
const MAX_GRACE_MS = 50;

/**
 * Carries batches over a client of the user's. The core makes them, and makes decisions of the replies, so that this and
 * our own connections count alike.
 * @param {Client} client
 * @param {Settings} settings
 * @param {(isUp: boolean, reason: string) => void} tell
 * @returns {Transport}
 */
function openClientLine(client, { prefix, secret, timeoutMs }, tell) {
  const raw = native.RedisLine.manual({ isClustered: client.isCluster, prefix, secret });
  const { take, settle, fail } = callsOf(raw);
  const circuit = createCircuit(() => ping(client, timeoutMs), tell);
  const line = createLine(raw, flush);
  const { dispatch, giveUpAll } = createDispatcher(client, timeoutMs, (id, failure, reply) => {
    if (failure !== undefined) refuse(id, failure);
    else {
      circuit.succeed();
      settle(id, Float64Array.from(Array.isArray(reply) ? reply : [], Number));
    }
    line.answer();
  });
  const unwatch = client.watch((isUp) => {
    if (isUp) return circuit.succeed();
    circuit.fail('down');
    giveUpAll('down');
  });

  function flush() {
    for (let batch = take(); batch; batch = take()) {
      if (client.isDown()) refuse(batch.id, 'down');
      else if (circuit.isClosed()) dispatch(batch);
      else fail(batch.id, FAILURE['circuit-open']);
    }
    line.answer();
  }

  /** @param {number} id @param {string} failure */
  function refuse(id, failure) {
    circuit.fail(failure);
    fail(id, FAILURE[failure]);
  }

  return {
    line,
    status: () => circuit.status(),
    resetAll: (pattern) => forgetAll(client, pattern),
    close() {
      unwatch();
      raw.close();
    },
  };
}

/**
 * Sends batches and tells once of each what came of it.
 * @param {Client} client
 * @param {number} timeoutMs
 * @param {(id: number, failure: string | undefined, reply?: unknown) => void} onEnd
 */
function createDispatcher(client, timeoutMs, onEnd) {
  const scripts = Object.fromEntries(native.redisScripts().map((/** @type {any} */ script) => [script.name, script]));
  /** Batches under way, each with the way to give it up. @type {Set<(failure: string) => void>} */
  const underWay = new Set();
  return {
    /** @param {Batch} batch */
    dispatch(batch) {
      const sending = run(client, scripts[batch.name], batch);
      /** @param {string} failure */
      const giveUp = (failure) => {
        if (!underWay.delete(giveUp)) return;
        cancel();
        sending.abandon();
        onEnd(batch.id, failure);
      };
      const cancel = startDeadline(timeoutMs, () => giveUp('timeout'));
      underWay.add(giveUp);
      sending.reply.then(
        (reply) => {
          if (!underWay.delete(giveUp)) return;
          cancel();
          onEnd(batch.id, undefined, reply);
        },
        (error) => giveUp(failureOf(error)),
      );
    },
    /** @param {string} failure */
    giveUpAll(failure) {
      for (const giveUp of [...underWay]) giveUp(failure);
    },
  };
}

/**
 * A question of its own, so that no request has to wait for the answer.
 * @param {Client} client
 * @param {number} timeoutMs
 */
function ping(client, timeoutMs) {
  const { reply, abandon } = send(client, ['PING'], 'ping');
  return new Promise((resolve, reject) => {
    const cancel = startDeadline(timeoutMs, () => {
      abandon();
      reject(new Error('no answer'));
    });
    reply.then(resolve, reject).finally(cancel);
  });
}

/** @param {any} raw */
function callsOf(raw) {
  return {
    take: /** @type {() => Batch | null} */ (() => raw.take()),
    settle: /** @type {(id: number, reply: Float64Array) => void} */ ((id, reply) => raw.settle(id, reply)),
    fail: /** @type {(id: number, failure: number) => void} */ ((id, failure) => raw.fail(id, failure)),
  };
}

/**
 * Runs a script by its digest. A server that does not know it has not run anything, so the text can follow.
 * @param {Client} client
 * @param {{ text: string, sha1: string }} script
 * @param {Batch} batch
 * @returns {import('./clients').Sending}
 */
function run(client, { text, sha1 }, { keys, args }) {
  const rest = [String(keys.length), ...keys, ...args];
  let isAbandoned = false;
  let sending = send(client, ['EVALSHA', sha1, ...rest], keys[0]);
  return {
    reply: sending.reply.catch((error) => {
      if (!isScriptUnknown(error) || isAbandoned) throw error;
      sending = send(client, ['EVAL', text, ...rest], keys[0]);
      return sending.reply;
    }),
    abandon() {
      isAbandoned = true;
      sending.abandon();
    },
  };
}

/**
 * A client that throws is one that rejects.
 * @param {Client} client
 * @param {string[]} args
 * @param {string} key
 * @returns {import('./clients').Sending}
 */
function send(client, args, key) {
  try {
    return client.send(args, key);
  } catch (error) {
    return { reply: Promise.reject(error), abandon() {} };
  }
}

/**
 * Calls `onLate` after `ms`, unless it is cancelled. A timer that comes late tells that this thread was busy: what Redis has
 * answered meanwhile lies in the socket and is read first.
 * @param {number} ms
 * @param {() => void} onLate
 * @returns {() => void}
 */
function startDeadline(ms, onLate) {
  const dueAt = performance.now() + ms;
  /** @type {NodeJS.Immediate | undefined} */
  let turn;
  let timer = setTimeout(check, ms);
  function check() {
    const isStalled = performance.now() - dueAt > STALL_MS;
    // The poll phase, in which sockets are read, comes between a timer and an immediate.
    if (isStalled) timer = setTimeout(lastCheck, Math.min(ms, MAX_GRACE_MS));
    else lastCheck();
  }
  function lastCheck() {
    turn = setImmediate(onLate);
  }
  return () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
}

module.exports = { openClientLine };
