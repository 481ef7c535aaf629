'use strict';

/**
 * @typedef {import('./clients').Client} Client
 * @typedef {import('./clients').Sending} Sending
 */

// What a command that must not run a second time is written as instead.
const HARMLESS = '*1\r\n$4\r\nPING\r\n';
// After these replies the command was not run, so that a cluster may send it to another node.
const NOT_RUN = /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN|NOSCRIPT|LOADING) /;

/**
 * A client or a cluster of ioredis. It sends commands that were under way when a connection was lost once more
 * (`autoResendUnfulfilledCommands`, `retryDelayOnFailover`), and those that it has queued whenever there is a connection
 * again: a hit would be counted twice, or long after its request was decided without it. So commands are made here, and
 * know how often they were written.
 * @param {any} client
 * @returns {Client}
 */
function createIoredisClient(client) {
  const isCluster = client.isCluster === true;
  let wasLost = false;
  client.on('ready', () => (wasLost = false)).on('close', () => (wasLost = true));
  // Without a listener ioredis writes each failure to the console; ours are events.
  client.on('error', ignore);

  const makeCommand = createCommandMaker(client);

  /** @param {string[]} args */
  function send(args) {
    const command = makeCommand(args);
    const guard = guardCommand(command);
    const reply = client.sendCommand(command);
    guard.watchReplies();
    return { reply, abandon: guard.abandon };
  }

  return {
    isCluster,
    isDown: () => client.status !== 'ready' && (wasLost || client.status === 'end' || client.status === 'close'),
    send,
    async masters() {
      const nodes = isCluster ? client.nodes('master') : [client];
      return nodes.map((/** @type {any} */ node) => (/** @type {string[]} */ args) => node.call(...args));
    },
    watch(listener) {
      const onReady = () => listener(true);
      const onClose = () => listener(false);
      client.on('ready', onReady).on('close', onClose).on('end', onClose);
      return () => client.off('ready', onReady).off('close', onClose).off('end', onClose);
    },
  };
}

/**
 * Makes commands as the client does, without its options, such as a prefix of keys, and without sending them: to the method
 * that makes them, the client is one whose `sendCommand` gives them back.
 * @param {any} client
 * @returns {(args: string[]) => any}
 */
function createCommandMaker(client) {
  const maker = Object.create(client, {
    options: { value: {} },
    sendCommand: { value: (/** @type {unknown} */ command) => command },
  });
  return (args) => client.call.apply(maker, args);
}

/**
 * Lets a command be written once, and once more after each reply which says that it was not run.
 * @param {any} command
 */
function guardCommand(command) {
  let mayWrite = true;
  let isAbandoned = false;
  const write = command.toWritable;
  command.toWritable = function toWritable(/** @type {unknown[]} */ ...args) {
    const isReal = mayWrite && !isAbandoned;
    mayWrite = false;
    return isReal ? write.apply(this, args) : HARMLESS;
  };
  return {
    abandon() {
      isAbandoned = true;
    },
    /** To be called when it is sent: a cluster has put its own in the place of `reject` then, and sends again from there. */
    watchReplies() {
      const { reject } = command;
      command.reject = function watched(/** @type {any} */ error) {
        if (NOT_RUN.test(String(error?.message))) mayWrite = true;
        return reject.call(this, error);
      };
    },
  };
}

function ignore() {}

module.exports = { createIoredisClient };
