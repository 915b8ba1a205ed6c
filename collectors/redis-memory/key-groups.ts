import type { CollectorRedis } from '../../src/observability/collection/collector.js';

/** Keys and memory of one group. */
export interface GroupSize {
  readonly group: string;
  readonly keys: number;
  /** Estimated from a sample of the group's keys; `null` when none was sampled. */
  readonly bytes: number | null;
}

interface Tally {
  keys: number;
  sampled: number;
  sampledBytes: number;
}

/** Keys asked for per SCAN. */
const scanCount = 100;
/** Groups told apart during a walk; the rest is one group. */
const maxGroups = 200;
/** Samples per group and walk, after which its keys are only counted. */
const samplesPerGroup = 20;

/**
 * Walks the keyspace a few steps per run, so that "which prefix ate the memory" is answered without ever holding Redis
 * up: `SCAN` in small steps, `MEMORY USAGE` on a sample, both under a budget per run.
 */
export class KeyGroupWalk {
  private cursor = '0';
  private tallies = new Map<string, Tally>();
  private complete: readonly GroupSize[] | null = null;
  private completeAtMs: number | null = null;

  constructor(
    private readonly scansPerRun: number,
    private readonly samplesPerRun: number,
  ) {}

  /** One run's steps. */
  async step(redis: CollectorRedis, signal: AbortSignal, nowMs: number): Promise<void> {
    let samples = 0;
    for (let scan = 0; scan < this.scansPerRun && !signal.aborted; scan++) {
      const [next, found] = (await redis.call('SCAN', this.cursor, 'COUNT', scanCount)) as [string, string[]];
      for (const key of found) {
        const tally = this.tally(groupOf(key));
        tally.keys++;
        if (samples >= this.samplesPerRun || tally.sampled >= samplesPerGroup) continue;
        samples++;
        const bytes = await redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 5);
        // A key may expire between the two commands.
        if (typeof bytes !== 'number') continue;
        tally.sampled++;
        tally.sampledBytes += bytes;
      }
      this.cursor = next;
      if (next !== '0') continue;
      this.complete = [...this.tallies].map(([group, tally]) => sizeOf(group, tally));
      this.completeAtMs = nowMs;
      this.tallies = new Map();
      return;
    }
  }

  /** Of the last complete walk, largest first; `null` before the first. */
  get groups(): readonly GroupSize[] | null {
    return this.complete?.toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0)) ?? null;
  }

  ageMs(nowMs: number): number | null {
    return this.completeAtMs === null ? null : nowMs - this.completeAtMs;
  }

  private tally(group: string): Tally {
    const name = this.tallies.has(group) || this.tallies.size < maxGroups ? group : 'other';
    const tally = this.tallies.get(name) ?? { keys: 0, sampled: 0, sampledBytes: 0 };
    this.tallies.set(name, tally);
    return tally;
  }
}

const sizeOf = (group: string, { keys, sampled, sampledBytes }: Tally): GroupSize => ({
  group,
  keys,
  bytes: sampled === 0 ? null : Math.round((sampledBytes / sampled) * keys),
});

/** The first part of a key: up to the first separator, without cluster braces, ids replaced, at most 40 characters. */
export function groupOf(key: string): string {
  const [first = ''] = key.replace(/^\{/, '').split(/[:./|}]/, 1);
  if (first === '' || /^[0-9a-f-]{16,}$/i.test(first) || /^\d+$/.test(first)) return '(ids)';
  return first.slice(0, 40);
}
