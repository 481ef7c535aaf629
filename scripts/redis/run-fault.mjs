// One fault under continuous load: what the load saw, and which promises it finds broken.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LOAD = fileURLToPath(new URL('./load.mjs', import.meta.url));
/** How much later than its deadline a decision may come, the loop's own delay taken off. */
const GRACE_MS = 20;
/** How soon after Redis the service is back. */
const RECOVERY_MS = 1_000;
/** Without our own connections the deadline is a timer of the event loop. */
const CLIENT_GRACE_MS = 100;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Forks a process under load and speaks with it. */
export function forkLoad(order) {
  const child = fork(LOAD, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  const next = (field) =>
    new Promise((resolve, reject) => {
      const onMessage = (message) => {
        if (message.error) reject(new Error(message.error));
        else if (field in message) resolve(message[field]);
        else return;
        child.off('message', onMessage);
      };
      child.on('message', onMessage);
      exit.then((code) => reject(new Error(`the process under load ended with ${code}`)));
    });
  const ask = (message, field) => {
    const answer = next(field);
    child.send(message);
    return answer;
  };
  return {
    pid: child.pid,
    started: ask({ start: order }, 'started'),
    look: () => ask({ look: true }, 'looked'),
    stop: async () => {
      const report = await ask({ stop: true }, 'report');
      // An idle store keeps no process alive: nothing ends this one but that nothing is left to do.
      const code = await Promise.race([exit, pause(3_000).then(() => 'still running')]);
      child.kill('SIGKILL');
      return { ...report, exit: code };
    },
    kill: () => child.kill('SIGKILL'),
  };
}

/**
 * @param {import('./faults.mjs').Fault} fault
 * @param {{ perSecond?: number, cpuShare?: number, timeoutMs?: number, beforeMs?: number, afterMs?: number, via?: 'ioredis' | 'nodeRedis' }} [options]
 */
export async function runFault(fault, options = {}) {
  const { perSecond = 5_000, cpuShare = 0.7, timeoutMs = 100, beforeMs = 1_000, afterMs = 2_500, via } = options;
  const scene = await fault.prepare();
  const onStoreFailure = fault.isLocal ? 'local' : 'closed';
  const store = { ...(via ? clientOf(via, scene.store) : scene.store), timeoutMs, onStoreFailure };
  const load = forkLoad({ store, perSecond, cpuShare });
  try {
    await load.started;
    await pause(beforeMs);
    const healedAt = await scene.harm();
    await pause(Math.min(afterMs, RECOVERY_MS));
    const { counted } = await load.look();
    await pause(Math.max(0, afterMs - RECOVERY_MS));
    const report = await load.stop();
    const figures = { ...report, ...recoveryOf(report, healedAt), late: report.counted - counted };
    return { name: fault.name, ...figures, broken: judge(fault, figures, { timeoutMs, via }) };
  } finally {
    load.kill();
    await scene.stop();
  }
}

/** About how many of the hits came after Redis was back for a second. */
const sentLater = ({ late }) => late + 1;

function clientOf(via, { url }) {
  const { port, password } = new URL(url);
  if (via === 'ioredis') return { client: undefined, ioredis: { port: Number(port), password: password || undefined } };
  return { client: undefined, nodeRedis: { url } };
}

/** How long decisions went on failing, and how many failed when they had ceased to. */
function recoveryOf({ bad }, healedAt) {
  if (healedAt === undefined) return { recovery: undefined, relapses: 0 };
  const during = bad.filter(({ from }) => from <= healedAt + RECOVERY_MS / 2);
  const relapses = bad.slice(during.length).reduce((sum, { count }) => sum + count, 0);
  return { recovery: Math.max(0, (during.at(-1)?.to ?? 0) - healedAt), relapses };
}

/** The promises that the figures break, each a line. */
function judge(fault, figures, { timeoutMs, via }) {
  const { lost, double, unhandled, uncaught, wronglyDenied, admitted, used, counted, failures, recovery } = figures;
  const broken = [];
  const must = (holds, what) => holds || broken.push(what);
  must(figures.exit === 0, `the process ended with ${figures.exit}`);
  must(lost === 0, `${lost} decisions never came`);
  must(double === 0, `${double} decisions came twice`);
  must(unhandled + uncaught === 0, `${unhandled + uncaught} unhandled: ${figures.lastError}`);
  must(wronglyDenied === 0, `${wronglyDenied} wrongly denied`);
  must(fault.isLossy || admitted <= 5, `${admitted} admitted where 5 are allowed`);
  const most = timeoutMs + (via ? CLIENT_GRACE_MS : GRACE_MS);
  must(figures.longestBare <= most, `a decision took ${Math.round(figures.longestBare)} ms, allowed ${most}`);
  must(!fault.isHarmless || failures === 0, `${failures} decisions failed`);
  if (recovery === undefined) return broken;
  must(recovery <= RECOVERY_MS, `failures until ${Math.round(recovery)} ms after Redis was back`);
  // A crowded machine may starve a thread for longer than the deadline; a store that has not recovered fails on and on.
  must(figures.relapses <= sentLater(figures) / 4, `${figures.relapses} failed after it had recovered`);
  must(figures.late > 0, 'nothing was counted after Redis was back');
  must(used !== undefined, `the counts could not be read: ${figures.lastError}`);
  if (used === undefined || fault.isLocal) return broken;
  must(fault.isLossy || used >= counted, `${counted - used} hits answered and not counted`);
  must(used <= counted + failures, `${used - counted - failures} hits counted twice`);
  return broken;
}
