// One fault under continuous load: what the load saw, and which promises it finds broken.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LOAD = fileURLToPath(new URL('./load.mjs', import.meta.url));
/** How much later than its deadline a decision may be ready, by the clock in the core. */
const GRACE_MS = 20;
/** Without our own connections the deadline is a timer of the event loop, and the time is that of the whole way. */
const CLIENT_GRACE_MS = 100;
/** How soon after Redis the service is back: from then on nothing fails. */
const RECOVERY_MS = 1_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Forks a process under load and speaks with it; a clocked one has a core that times decisions. */
export function forkLoad(order, { isClocked = false } = {}) {
  const child = fork(LOAD, isClocked ? ['--clocked'] : [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
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
    /** Keeps its event loop busy for so long. @param {number} stallMs */
    stall: (stallMs) => child.send({ stallMs }),
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
 * @param {object} [options]
 * @param {number} [options.perSecond]
 * @param {number} [options.cpuShare] of one core, that the process keeps busy
 * @param {number} [options.timeoutMs]
 * @param {number} [options.beforeMs] of load before the fault
 * @param {number} [options.afterMs] of load after Redis is whole again
 * @param {number} [options.slackMs] what a crowded machine may add to each time; none when figures count
 * @param {'ioredis' | 'nodeRedis'} [options.via]
 */
export async function runFault(fault, options = {}) {
  const { perSecond = 5_000, cpuShare = 0.7, timeoutMs = 100, beforeMs = 1_000, afterMs = 4_000 } = options;
  const { slackMs = 0, via } = options;
  const scene = await fault.prepare(via);
  const onStoreFailure = fault.isLocal ? 'local' : 'closed';
  const store = { ...(via ? clientOf(via, scene.store) : scene.store), timeoutMs, onStoreFailure };
  const order = { store, perSecond: Math.min(perSecond, fault.perSecond ?? Infinity), cpuShare };
  const load = forkLoad(order, { isClocked: !via });
  try {
    await load.started;
    await pause(beforeMs);
    const healedAt = await scene.harm(load);
    await pause(Math.min(afterMs, RECOVERY_MS));
    const { counted } = await load.look();
    await pause(Math.max(0, afterMs - RECOVERY_MS));
    const report = await load.stop();
    const recovery = recoveryOf(report, healedAt, RECOVERY_MS + slackMs);
    const figures = { ...report, ...recovery, late: report.counted - counted };
    return { name: fault.name, ...figures, broken: judge(fault, figures, { timeoutMs, slackMs, via }) };
  } finally {
    load.kill();
    await scene.stop();
  }
}

function clientOf(via, { url }) {
  const { port, password } = new URL(url);
  if (via === 'ioredis') return { client: undefined, ioredis: { port: Number(port), password: password || undefined } };
  return { client: undefined, nodeRedis: { url } };
}

/** When the last decision failed, and how many did when the service had to be back. */
function recoveryOf({ bad }, healedAt, withinMs) {
  if (healedAt === undefined) return { recovery: undefined, failedLater: 0 };
  const later = bad.filter(({ at }) => at > healedAt + withinMs);
  const failedLater = later.reduce((sum, { count }) => sum + count, 0);
  return { recovery: Math.max(0, (bad.at(-1)?.at ?? 0) - healedAt), failedLater };
}

/** The promises that the figures break, each a line. */
function judge(fault, figures, { timeoutMs, slackMs, via }) {
  const { lost, double, unhandled, uncaught, wronglyDenied, admitted, used, counted, failures, recovery } = figures;
  const { longest, longestInCore, clockedHits, failedLater } = figures;
  const broken = [];
  const must = (holds, what) => holds || broken.push(what);
  must(figures.exit === 0, `the process ended with ${figures.exit}`);
  must(lost === 0, `${lost} decisions never came`);
  must(double === 0, `${double} decisions came twice`);
  must(unhandled + uncaught === 0, `${unhandled + uncaught} unhandled: ${figures.lastError}`);
  must(wronglyDenied === 0, `${wronglyDenied} wrongly denied`);
  must(fault.isLossy || admitted <= 5, `${admitted} admitted where 5 are allowed`);
  const [took, most] = via ? [longest, timeoutMs + CLIENT_GRACE_MS] : [longestInCore, timeoutMs + GRACE_MS];
  const isTimed = !(via && fault.isStalling);
  must(!isTimed || took <= most + slackMs, `a decision took ${Math.round(took)} ms, allowed ${most}`);
  must(via || clockedHits >= counted, `of ${counted} counted hits ${clockedHits} were timed`);
  must(!fault.isHarmless || failures === 0, `${failures} decisions failed`);
  if (recovery === undefined) return broken;
  must(failedLater === 0, `${failedLater} failed until ${Math.round(recovery)} ms after Redis was back`);
  must(figures.late > 0, 'nothing was counted after Redis was back');
  must(used !== undefined, `the counts could not be read: ${figures.lastError}`);
  if (used === undefined || fault.isLocal) return broken;
  must(fault.isLossy || used >= counted, `${counted - used} hits answered and not counted`);
  must(used <= counted + failures, `${used - counted - failures} hits counted twice`);
  return broken;
}
