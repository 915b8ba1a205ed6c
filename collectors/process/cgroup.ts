import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';

/** What this process may use. */
export interface Limits {
  readonly cores: number;
  readonly memoryBytes: number;
  /** Where the limits come from. */
  readonly source: 'cgroup' | 'machine';
}

/** Reads a file; `null` when there is none. Injected, so that captured trees can be read in tests. */
export type ReadFile = (path: string) => string | null;

export const readFile: ReadFile = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not every system has every file; absence is the answer.
    return null;
  }
};

const root = '/sys/fs/cgroup';

/**
 * Limits of the cgroup (v2, else v1) that this process is in, narrowest first, capped by the machine: a container that
 * may use half a core is at 100 % when the machine is at 6 %.
 */
export function readLimits(
  read: ReadFile = readFile,
  machine = { cores: availableParallelism(), memoryBytes: totalmem() },
): Limits {
  const membership = read('/proc/self/cgroup') ?? '';
  const cores = smallest([
    ...pathsUp(membership, '').map((path) => quotaV2(read(join(root, path, 'cpu.max')))),
    ...pathsUp(membership, 'cpu').map((path) => quotaV1(join(root, 'cpu', path), read)),
  ]);
  const memory = smallest([
    ...pathsUp(membership, '').map((path) => bytesOf(read(join(root, path, 'memory.max')))),
    ...pathsUp(membership, 'memory').map((path) =>
      bytesOf(read(join(root, 'memory', path, 'memory.limit_in_bytes'))),
    ),
  ]);
  return {
    cores: Math.min(machine.cores, cores),
    memoryBytes: Math.min(machine.memoryBytes, memory),
    source: cores < machine.cores || memory < machine.memoryBytes ? 'cgroup' : 'machine',
  };
}

/** Time for which the quota held this cgroup back, seconds; `null` where nothing counts it. */
export function readThrottledSeconds(read: ReadFile = readFile): number | null {
  const membership = read('/proc/self/cgroup') ?? '';
  for (const path of pathsUp(membership, '')) {
    const v2 = /^throttled_usec (\d+)$/m.exec(read(join(root, path, 'cpu.stat')) ?? '')?.[1];
    if (v2 !== undefined) return Number(v2) / 1e6;
  }
  for (const path of pathsUp(membership, 'cpu')) {
    const v1 = /^throttled_time (\d+)$/m.exec(read(join(root, 'cpu', path, 'cpu.stat')) ?? '')?.[1];
    if (v1 !== undefined) return Number(v1) / 1e9;
  }
  return null;
}

/**
 * The cgroup of this process and all above it, as a limit may be set at any level. Inside a container the path may be
 * the host's and not exist; then `/` is what counts, and it comes last.
 * @param controller a cgroup v1 controller; empty for v2
 */
function pathsUp(membership: string, controller: string): readonly string[] {
  const line = membership.split('\n').find((entry) => entry.split(':')[1]?.split(',').includes(controller));
  const parts = (line?.split(':').slice(2).join(':') ?? '').split('/').filter((part) => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, i) => `/${parts.slice(0, parts.length - i).join('/')}`);
}

function quotaV2(text: string | null): number | null {
  const match = /^(\d+) (\d+)/.exec(text ?? '');
  return match ? Number(match[1]) / Number(match[2]) : null;
}

function quotaV1(folder: string, read: ReadFile): number | null {
  const quota = Number(read(join(folder, 'cpu.cfs_quota_us')) ?? -1);
  const period = Number(read(join(folder, 'cpu.cfs_period_us')) ?? 0);
  return quota > 0 && period > 0 ? quota / period : null;
}

/** `max`, and v1's huge number for it, mean no limit; the machine's memory caps both. */
function bytesOf(text: string | null): number | null {
  const bytes = Number(text?.trim() ?? 'max');
  return Number.isFinite(bytes) && bytes > 0 ? bytes : null;
}

const smallest = (values: readonly (number | null)[]): number =>
  Math.min(...values.filter((value) => value !== null), Number.POSITIVE_INFINITY);
