'use strict';

const { notEqual, equal, ok } = require('node:assert/strict');
const { inspect } = require('node:util');

/**
 * @typedef {import('./parity').Case} Case
 * @typedef {import('./parity').Kit} Kit
 */

const NOW = 1_800_000_000_250;
const show = (/** @type {any} */ value) =>
  inspect(value, { depth: 4, breakLength: Infinity })
    .replace(/\n\s+at [^\n]*/g, '')
    .replace(/\[\w*Function[^\]]*\]/g, 'fn')
    .replace(/\s+/g, ' ');

/** Commands without script text and without the digests of scripts, which are each package's own. */
const plainCommand = (/** @type {any[]} */ command) =>
  command.map((part, index) => (command[0] === 'SCRIPT' && index === 2 ? 'text of a script' : part));

const GET = 'sha of get';
const INCREMENT = 'sha of increment';

/**
 * A Redis that answers what the case says. A list of answers is used up one by one, the last again and again.
 * @param {Kit} kit
 * @param {any[]} answers to EVALSHA, DECR and DEL; an Error is thrown
 * @param {any[]} [loads] to SCRIPT LOAD
 */
function canned(kit, answers, loads = [INCREMENT, GET]) {
  const take = (/** @type {any[]} */ list, /** @type {number} */ index) => list[Math.min(index, list.length - 1)];
  let answered = 0;
  let loaded = 0;
  return async (/** @type {any[]} */ ...command) => {
    kit.note('command', ...plainCommand(command));
    const answer = command[0] === 'SCRIPT' ? take(loads, loaded++) : take(answers, answered++);
    if (answer instanceof Error) throw answer;
    return answer;
  };
}

/**
 * Runs steps on a store over canned answers, once through sendCommand and once through sendCommandCluster.
 * @param {Kit} kit
 * @param {{ answers?: any[], loads?: any[], options?: any, windowMs?: any, init?: boolean }} setting
 * @param {(store: any, attempt: (act: () => any) => Promise<void>) => any} steps
 */
async function overCanned(kit, { answers = [[1, 1_000]], loads, options = {}, windowMs = 60_000, init = true }, steps) {
  kit.context.mock.timers.enable({ apis: ['Date'], now: NOW });
  try {
    for (const way of ['sendCommand', 'sendCommandCluster']) {
      kit.note(way);
      const send = canned(kit, answers, loads);
      const sendCluster = async (/** @type {any} */ details) => {
        kit.note('details', details.key, details.isReadOnly, Object.keys(details));
        return send(...details.command);
      };
      const store = new kit.lib.RedisStore({ [way]: way === 'sendCommand' ? send : sendCluster, ...options });
      const attempt = async (/** @type {() => any} */ act) => {
        try {
          kit.note('resolved', await act());
        } catch (error) {
          kit.note('rejected', error);
        }
      };
      if (init) await attempt(() => store.init({ windowMs }));
      await steps(store, attempt);
      kit.note('window', store.windowMs);
    }
  } finally {
    kit.context.mock.timers.reset();
  }
}

/** @type {(name: string, setting: any, steps: any, differs?: Case['differs'], check?: Case['check']) => Case} */
const protocol = (name, setting, steps, differs, check) => ({
  name: `${name}: ${show(setting)}`,
  differs,
  check,
  run: (kit) => overCanned(kit, setting, steps),
});

const send = async () => 'sha';

/** @returns {Case[]} */
const ofConstruction = () =>
  [
    undefined,
    null,
    5,
    'text',
    () => {},
    {},
    [],
    { sendCommand: send },
    { sendCommandCluster: send },
    { sendCommand: send, sendCommandCluster: send },
    { sendCommand: undefined, sendCommandCluster: send },
    { sendCommand: send, sendCommandCluster: undefined },
    { sendCommand: undefined },
    { sendCommand: 5 },
    { sendCommand: null },
    { sendCommandCluster: null },
    { sendCommandCluster: {} },
    { client: {} },
    { sendCommand: send, prefix: 'own:' },
    { sendCommand: send, prefix: '' },
    { sendCommand: send, prefix: undefined },
    { sendCommand: send, prefix: null },
    { sendCommand: send, prefix: 7 },
    { sendCommandCluster: send, prefix: '{tag}:' },
    { sendCommand: send, resetExpiryOnChange: true },
    { sendCommand: send, resetExpiryOnChange: false },
    { sendCommand: send, resetExpiryOnChange: undefined },
    { resetExpiryOnChange: true },
    { sendCommand: send, unknown: 1 },
    Object.create({ sendCommand: send }),
  ].map((options, index) => ({
    name: `construction ${index}: ${show(options)}`,
    run: ({ lib, call, note }) => {
      const store = /** @type {any} */ (call(() => new lib.RedisStore(options)));
      if (store) note(store.prefixKey('key'), store.prefixKey(''), store.windowMs, store.localKeys, Object.keys(store));
    },
  }));

/** @returns {Case[]} */
const ofExports = () => [
  {
    name: 'exports',
    run: ({ lib, note }) =>
      note(Object.keys(lib), lib.default === lib.RedisStore, lib.RedisStore.name, lib.__esModule, typeof lib),
  },
  {
    name: 'members of the class',
    run: ({ lib, note }) => note(Object.getOwnPropertyNames(lib.RedisStore.prototype).sort()),
  },
  {
    name: 'the class without new',
    run: ({ lib, call }) => call(() => lib.RedisStore({ sendCommand: send })),
  },
  {
    name: 'a class that extends it',
    run: async ({ lib, note }) => {
      class Own extends lib.RedisStore {
        prefixKey(/** @type {string} */ key) {
          return `own of ${super.prefixKey(key)}`;
        }
      }
      const commands = /** @type {any[]} */ ([]);
      const store = new Own({
        sendCommand: async (/** @type {any[]} */ ...command) => {
          commands.push(plainCommand(command));
          return command[0] === 'SCRIPT' ? 'sha' : [1, 5];
        },
      });
      await store.init({ windowMs: 9 });
      await store.increment('a');
      await store.resetKey('a');
      note(commands, store instanceof lib.RedisStore);
    },
  },
  {
    name: 'the this of sendCommand',
    run: async ({ lib, note }) => {
      for (const way of ['sendCommand', 'sendCommandCluster']) {
        /** @this {any} */
        const asked = async function asked() {
          note(this instanceof lib.RedisStore);
          return 'sha';
        };
        await new lib.RedisStore({ [way]: asked }).init({ windowMs: 1 });
      }
    },
  },
  {
    name: 'a sendCommand that is no promise',
    run: async ({ lib, note }) => {
      const store = new lib.RedisStore({
        sendCommand: (/** @type {string} */ name) => (name === 'SCRIPT' ? 's' : [4, 9]),
      });
      await store.init({ windowMs: 1 });
      note((await store.increment('a')).totalHits);
    },
  },
];

const REPLIES = [
  [1, 60_000],
  [2, 59_999],
  [5, 0],
  [7, 1],
  [0, 60_000],
  [-1, 60_000],
  ['3', '250'],
  ['3', 250],
  [Buffer.from('12'), Buffer.from('34')],
  [1n, 2n],
  [false, 500],
  ['08', '0x10'],
  [1.5, 100.5],
  ['4 hits', 7],
  [1e15, 1_000],
  [],
  [1],
  [1, 2, 3],
  null,
  undefined,
  'OK',
  7,
  {},
  true,
  { 0: 1, 1: 2, length: 2 },
  new Error('down'),
  new TypeError('wrong'),
  Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }),
  new Error('ERR wrong number of arguments'),
  new Error('READONLY You can not write against a read only replica.'),
];

const LOADS = [
  ['a', 'b'],
  [5, 'b'],
  ['a', 5],
  [null, null],
  [undefined, 'b'],
  [Buffer.from('sha'), 'b'],
  ['', ''],
  [new Error('down'), 'b'],
  ['a', new Error('down')],
  [new Error('first'), new Error('second')],
  [['a'], 'b'],
  [true, 'b'],
];

const KEYS = ['a', '', 'rl:a', '::1', '2001:db8::/56', 'ключ', 'a b\r\nc', '__proto__', '{tag}x', 'k'.repeat(2_000)];

/** @returns {Case[]} */
const ofProtocol = () => [
  ...REPLIES.map((reply) => protocol('increment', { answers: [reply] }, incrementOnce)),
  ...REPLIES.map((reply) => protocol('get', { answers: [reply] }, getOnce)),
  ...REPLIES.slice(-8).map((reply) => protocol('resetKey', { answers: [reply] }, resetOnce)),
  ...LOADS.map((loads) => protocol('init', { loads }, () => {})),
  ...LOADS.slice(0, 3).map((loads) => protocol('fields after init', { loads }, fieldsOf)),
  ...KEYS.map((key) =>
    protocol(`the key ${key.slice(0, 20)}`, { options: { prefix: 'p:' } }, async (store, attempt) => {
      await attempt(() => store.increment(key));
      await attempt(() => store.get(key));
      await attempt(() => store.resetKey(key));
      await attempt(() => store.retryableIncrement(key));
      await attempt(() => store.prefixKey(key));
    }),
  ),
  ...['', 'x', 'rl:', 9].map((prefix) =>
    protocol('a prefix', { options: { prefix } }, async (store, attempt) => {
      await attempt(() => store.increment('a'));
      store.prefix = 'changed:';
      await attempt(() => store.get('a'));
    }),
  ),
  ...[1, 60_000, 1.5, '900', 0, -5, NaN, Infinity, 2 ** 40].map((windowMs) =>
    protocol('a window', { windowMs }, incrementOnce),
  ),
  protocol('no window', { windowMs: undefined }, incrementOnce),
  protocol('init again', {}, async (store, attempt) => {
    await attempt(() => store.init({ windowMs: 5 }));
    await attempt(() => store.increment('a'));
  }),
  protocol('loading by hand', { init: false }, async (store, attempt) => {
    await attempt(() => store.loadIncrementScript());
    await attempt(() => store.loadGetScript('key'));
    await attempt(() => store.loadIncrementScript('key'));
  }),
  protocol(
    'increments at once',
    {
      answers: [
        [1, 9],
        [2, 8],
        [3, 7],
      ],
    },
    async (store, attempt) => {
      await attempt(() => Promise.all([store.increment('a'), store.increment('a'), store.increment('b')]));
    },
  ),
  protocol('resetKey before init', { init: false }, resetOnce),
];

const NO_SCRIPT = 'NOSCRIPT No matching script. Please use EVAL.';
const FAILURES = [
  NO_SCRIPT,
  'NOSCRIPT',
  'NOSCRIPTS',
  'noscript',
  'ERR NOSCRIPT',
  'NOSCRIPT\tx',
  'ReplyError: NOSCRIPT No matching script',
  'LOADING Redis is loading the dataset in memory',
  'Command timed out',
];

/** @returns {Case[]} */
const ofRetries = () => [
  ...FAILURES.flatMap((message) =>
    [[[4, 90]], [new Error('down')], [new Error(message), [4, 90]]].flatMap((rest) => [
      protocol('increment after', { answers: [new Error(message), ...rest] }, incrementOnce),
      protocol('get after', { answers: [new Error(message), ...rest] }, getOnce),
    ]),
  ),
  ...[{ message: NO_SCRIPT }, NO_SCRIPT, undefined].map((thrown) => ({
    name: `what is thrown is no Error: ${show(thrown)}`,
    run: async (/** @type {Kit} */ { lib, note }) => {
      const store = new lib.RedisStore({
        sendCommand: async (/** @type {string} */ name) => {
          note(name);
          if (name !== 'SCRIPT') throw thrown;
          return 'sha';
        },
      });
      await store.init({ windowMs: 5 });
      await store.increment('a').catch((/** @type {any} */ error) => note('rejected', error));
    },
  })),
  protocol(
    'a script that cannot be loaded again',
    { answers: [new Error(NO_SCRIPT)], loads: ['a', 'b', new Error('down')] },
    incrementOnce,
  ),
  protocol('another name of the script', { answers: [new Error(NO_SCRIPT), [1, 5]], loads: ['a', 'b', 'c'] }, twice),
];

/** @returns {Case[]} */
const ofDifferences = () => [
  ...[[[5, 9]], [-1], [new Error('down')], [new Error(NO_SCRIPT), 5]].map((answers) =>
    protocol('decrement', { answers }, decrementOnce, 'refund-script', (theirs, ours) => {
      ok(JSON.stringify(theirs).includes('"DECR"'));
      ok(!JSON.stringify(ours).includes('"DECR"'));
    }),
  ),
  ...[
    [null, -2],
    [undefined, -2],
    ['', -2],
  ].map((reply) =>
    protocol('get of nobody (S-14)', { answers: [reply] }, getOnce, 'no-nan', (_theirs, ours) => {
      equal(ours.filter(([what, value]) => what === 'resolved' && value?.undefined).length, 4, 'init twice, get twice');
    }),
  ),
  ...[
    [null, 5],
    ['many', 5],
    [NaN, 5],
  ].map((reply) =>
    protocol('increment without a number', { answers: [reply] }, incrementOnce, 'no-nan', (_theirs, ours) => {
      equal(ours.filter(([what]) => what === 'rejected').length, 2);
    }),
  ),
  ...[
    [new Error('down'), 'b', 'later'],
    ['a', new Error('down'), 'later'],
    [new Error('down'), new Error('down'), new Error('down'), 'later'],
  ].map((loads) =>
    protocol('a start without Redis', { loads }, twice, 'loaded-again', (_theirs, ours) => {
      notEqual(ours.at(-2)[0], 'rejected');
    }),
  ),
  protocol(
    'increment before init',
    { init: false },
    async (store, attempt) => {
      store.windowMs = 5;
      await attempt(() => store.increment('a'));
    },
    'loaded-again',
  ),
  protocol('get before init', { init: false }, getOnce, 'loaded-again'),
];

const incrementOnce = (/** @type {any} */ store, /** @type {any} */ attempt) => attempt(() => store.increment('key'));
const getOnce = (/** @type {any} */ store, /** @type {any} */ attempt) => attempt(() => store.get('key'));
const resetOnce = (/** @type {any} */ store, /** @type {any} */ attempt) => attempt(() => store.resetKey('key'));
const decrementOnce = (/** @type {any} */ store, /** @type {any} */ attempt) => attempt(() => store.decrement('key'));

async function twice(/** @type {any} */ store, /** @type {any} */ attempt) {
  for (let turn = 0; turn < 2; turn += 1) {
    await attempt(() => store.increment('key'));
    await attempt(() => store.get('key'));
  }
}

async function fieldsOf(/** @type {any} */ store, /** @type {any} */ attempt) {
  await attempt(() => store.incrementScriptSha);
  await attempt(() => store.getScriptSha);
}

/** @returns {Case[]} what no Redis is needed for */
const protocolCases = () => [...ofExports(), ...ofConstruction(), ...ofProtocol(), ...ofRetries(), ...ofDifferences()];

module.exports = { plainCommand, protocolCases };
