'use strict';

const net = require('node:net');
const tls = require('node:tls');

/** A client of the rig's own, so that tests of clients do not lean on one: RESP2, one command after the other. */

/**
 * @typedef {string | number | null | Reply[] | Error} Reply
 * @typedef {{ port?: number, host?: string, path?: string, tls?: tls.ConnectionOptions,
 *   username?: string, password?: string }} Address
 */

/**
 * Opens a connection; rejects when the server refuses it or the password.
 * @param {Address} address
 */
async function connect({ port, host = '127.0.0.1', path, tls: secure, username, password }) {
  const target = path ? { path } : { port: /** @type {number} */ (port), host };
  const socket = secure ? tls.connect({ ...target, ...secure }) : net.connect(target);
  /** @type {{ resolve: (reply: any) => void, reject: (error: Error) => void }[]} */
  const waiting = [];
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = rest.length ? Buffer.concat([rest, chunk]) : chunk;
    for (let parsed = parse(rest, 0); parsed; parsed = parse(rest, 0)) {
      rest = rest.subarray(parsed.end);
      const { resolve, reject } = /** @type {(typeof waiting)[0]} */ (waiting.shift());
      if (parsed.reply instanceof Error) reject(parsed.reply);
      else resolve(parsed.reply);
    }
  });
  const fail = (/** @type {Error} */ error) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed')));

  /**
   * @param {...(string | number)} words
   * @returns {Promise<any>}
   */
  const command = (...words) =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('the connection is closed'));
      waiting.push({ resolve, reject });
      socket.write(encode(words));
    });
  await new Promise((resolve, reject) => {
    socket.once(secure ? 'secureConnect' : 'connect', () => resolve(undefined));
    socket.once('error', reject);
  });
  if (password !== undefined) await command('AUTH', ...(username ? [username] : []), password);
  return { command, close: () => socket.destroy() };
}

/**
 * Opens a connection, sends one command, closes it.
 * @param {Address} address
 * @param {...(string | number)} words
 */
async function ask(address, ...words) {
  const client = await connect(address);
  try {
    return await client.command(...words);
  } finally {
    client.close();
  }
}

/** @param {(string | number)[]} words */
function encode(words) {
  const parts = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}

/**
 * @param {Buffer} bytes
 * @param {number} start
 * @returns {{ reply: Reply, end: number } | undefined} undefined until the whole reply is there
 */
function parse(bytes, start) {
  const line = bytes.indexOf('\r\n', start);
  if (line < 0) return undefined;
  const text = bytes.toString('utf8', start + 1, line);
  const end = line + 2;
  switch (bytes[start]) {
    case 0x2b: // +
      return { reply: text, end };
    case 0x2d: // -
      return { reply: new Error(text), end };
    case 0x3a: // :
      return { reply: Number(text), end };
    case 0x24: // $
      return parseBulk(bytes, end, Number(text));
    default:
      return parseArray(bytes, end, Number(text));
  }
}

/**
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} length
 */
function parseBulk(bytes, start, length) {
  if (length < 0) return { reply: null, end: start };
  if (bytes.length < start + length + 2) return undefined;
  return { reply: bytes.toString('utf8', start, start + length), end: start + length + 2 };
}

/**
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} length
 */
function parseArray(bytes, start, length) {
  if (length < 0) return { reply: null, end: start };
  /** @type {Reply[]} */
  const reply = [];
  let end = start;
  for (let index = 0; index < length; index += 1) {
    const item = parse(bytes, end);
    if (!item) return undefined;
    reply.push(item.reply);
    end = item.end;
  }
  return { reply, end };
}

module.exports = { ask, connect };
