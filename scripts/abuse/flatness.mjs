// Whether what a process holds grows (Linux).
import { readFileSync, readdirSync } from 'node:fs';

/** What memory may grow by, of its mean in the second tenth of the run. */
const MEMORY_GROWTH = 0.15;
/** What the least number of descriptors and threads may grow by: with connections coming and going the mean says little. */
const HANDLE_GROWTH = 2;

/** @param {number} pid */
export function look(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    rss: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
    threads: Number(/Threads:\s+(\d+)/.exec(status)[1]),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Compares the last tenth of all samples with the second one, when the process was warm. */
export function createFlatness() {
  /** @type {{ rss: number, heap: number, threads: number, descriptors: number }[]} */
  const samples = [];
  return {
    /** @param {(typeof samples)[number]} sample */
    add: (sample) => void samples.push(sample),
    conclude() {
      const tenth = Math.max(1, Math.floor(samples.length / 10));
      const [early, late] = [samples.slice(tenth, 2 * tenth), samples.slice(-tenth)];
      const mean = (part, field) => part.reduce((sum, sample) => sum + sample[field], 0) / part.length;
      const least = (part, field) => Math.min(...part.map((sample) => sample[field]));
      const figures = (what, field, figure, allowed) => {
        const [before, after] = [figure(early, field), figure(late, field)];
        return { what, before, after, isFlat: after <= before + allowed(before) };
      };
      const memory = (before) => MEMORY_GROWTH * before;
      return [
        figures('RSS MiB', 'rss', mean, memory),
        figures('heap MiB', 'heap', mean, memory),
        figures('descriptors, at the least', 'descriptors', least, () => HANDLE_GROWTH),
        figures('threads, at the least', 'threads', least, () => HANDLE_GROWTH),
      ];
    },
  };
}
