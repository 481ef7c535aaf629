// Questions to a server in a process of its own, and what it says by itself.

/**
 * Makes the function that waits for a message of a type, after asking for it if need be.
 * @param {import('node:child_process').ChildProcess} server
 * @param {object} [last] what stands for the answer of a server that has ended
 * @returns {(type: string, question?: string) => Promise<any>}
 */
export function createAsk(server, last = {}) {
  return function ask(type, question) {
    if (question !== undefined && server.connected) server.send(question);
    return new Promise((resolve) => {
      const finish = (answer) => {
        server.off('message', take).off('exit', end);
        resolve(answer);
      };
      const take = (message) => message.type === type && finish(message);
      const end = () => finish(last);
      server.on('message', take).once('exit', end);
    });
  };
}
