import { setTimeout as sleep } from 'node:timers/promises';
import type { Tick } from '../../domain/tick.js';
import { ReplayClock } from './replay-clock.js';

/** Rows of one request at most. */
const maxBatchRows = 10_000;
/** What becomes due within this long is sent together. */
const windowMs = 50;

export interface ReplayOptions {
  /** Times the original speed; Infinity: as fast as the server takes them. */
  readonly speed: number;
  /** Stamp ticks with the time they are sent at instead of the recorded one. */
  readonly live: boolean;
  readonly send: (ticks: readonly Tick[]) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
  readonly now?: () => number;
  readonly wait?: (ms: number) => Promise<void>;
}

/**
 * Sends recorded ticks in their order, one request at a time: the next begins when the last is durable. A server slower
 * than the recording gets larger requests, not more of them.
 */
export async function replay(ticks: AsyncIterable<readonly Tick[]>, options: ReplayOptions): Promise<void> {
  const { now = Date.now, signal } = options;
  const wait = options.wait ?? ((ms: number) => sleep(ms, undefined, { signal }));
  const clock = new ReplayClock(options.speed, now());
  let batch: Tick[] = [];
  let batchDueMs = 0;
  const flush = async (): Promise<void> => {
    const rows = batch;
    batch = [];
    const early = batchDueMs - now();
    if (early > 0) await wait(early);
    signal?.throwIfAborted();
    const stamp = now();
    await options.send(options.live ? rows.map((tick) => ({ ...tick, tsMs: stamp })) : rows);
  };
  for await (const chunk of ticks) {
    for (const tick of chunk) {
      const due = clock.dueMs(tick.tsMs);
      const isLate = due <= now();
      if (batch.length > 0 && (batch.length === maxBatchRows || (!isLate && due > batchDueMs))) await flush();
      // A batch is sent at the end of its window, so that nothing is sent before it is due.
      if (batch.length === 0) batchDueMs = options.speed === Number.POSITIVE_INFINITY ? 0 : due + windowMs;
      batch.push(tick);
    }
  }
  if (batch.length > 0) await flush();
}
