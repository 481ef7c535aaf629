// One connection of an attack: what a session sends, and whether what comes back may be.
import { connect } from 'node:net';
import { createReader } from './responses.mjs';

const LONGEST_MS = 15_000;
const ALLOWED_5XX = new Set([501, 503, 505]);

/**
 * @param {object} options
 * @param {number} options.port
 * @param {(kind: string, text: string) => void} options.problem told of everything that must not be
 * @param {(status: number) => void} options.answered told of every answer
 */
export function createPlayer({ port, problem, answered }) {
  /** @param {import('./sessions.mjs').Session} session */
  const play = ({ name, requests, chunks, pauseMs, isHalfOpen, closes }) =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      const reader = createReader();
      const timer = setTimeout(() => {
        problem('hang', `${name}: no end after ${LONGEST_MS} ms, ${reader.count()} answers`);
        socket.destroy();
      }, LONGEST_MS);
      let index = 0;
      const write = () => {
        if (socket.destroyed) return;
        if (index >= chunks.length) {
          return closes === 'reset' ? socket.resetAndDestroy() : isHalfOpen ? undefined : socket.end();
        }
        socket.write(chunks[index++]);
        if (pauseMs > 0) setTimeout(write, pauseMs);
        else setImmediate(write);
      };
      socket.on('connect', write);
      socket.on('data', (bytes) => reader.take(bytes));
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.on('close', () => {
        clearTimeout(timer);
        judge(name, reader, requests, closes);
        resolve(undefined);
      });
    });

  /** What came back: whole answers only, unless the connection was torn down. */
  function judge(name, reader, requests, closes) {
    const { answers, fault } = reader.end();
    if (fault && closes !== 'reset') problem('answer', `${name}: ${fault}`);
    // A client that stalls or ends in its body after an early answer gets Node's own 408 or 400 behind it.
    const isBrokenOff = [400, 408].includes(answers.at(-1)?.status);
    if (answers.length > requests + Number(isBrokenOff)) {
      problem(
        'answer',
        `${name}: ${answers.map(({ status, body }) => `${status} ${body.slice(0, 60)}`)} to ${requests} requests`,
      );
    }
    for (const { status, body } of answers) {
      answered(status);
      if (status >= 500 && !ALLOWED_5XX.has(status)) problem('status', `${name}: ${status} ${body.slice(0, 200)}`);
      if (/\bat .*\.js:\d+|node_modules|\/src\//.test(body)) problem('leak', `${name}: ${body.slice(0, 300)}`);
    }
  }

  return play;
}
