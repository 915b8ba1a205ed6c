import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Problem } from '../../domain/problem.js';
import type { Position } from '../publication.js';
import { type RedisKeys, shardCount } from './redis-keys.js';
import type { RedisLink } from './redis-link.js';
import { type Line, readPositions } from './redis-scripts.js';

/** A message on its way to Redis. */
export interface Outgoing {
  readonly topic: string;
  readonly body: string;
  readonly tsMs: number;
  /** Local clients have it already (it was published while Redis was away). */
  delivered: boolean;
  readonly done: (position: Position) => void;
  /** It can neither be delivered here nor be said where it will land. */
  readonly failed: (error: unknown) => void;
}

/** What one call carries. A repeated call has the same number, so that Redis can tell. */
interface Batch {
  readonly number: number;
  readonly entries: readonly Outgoing[];
}

interface Shard {
  readonly index: number;
  queue: Outgoing[];
  inFlight: Batch | null;
  sending: boolean;
  lastNumber: number;
  /** Batches whose messages local clients have already. */
  readonly delivered: Set<number>;
}

export interface OutboxOptions {
  /** Messages that may wait for Redis. */
  readonly maxQueued: number;
  readonly historyMessages: number;
  readonly historyTtlMs: number;
}

const maxBatchMessages = 500;
const maxBatchChars = 1024 * 1024;

/**
 * Messages on their way to Redis: in order per shard, one call of a shard at a time, each exactly once however often the
 * connection breaks.
 */
export class Outbox {
  /** This process, to Redis: another process, or this one after a restart, is another origin. */
  readonly origin = randomBytes(8).toString('hex');
  /** Messages given up because too many waited while Redis was away. */
  dropped = 0;
  private readonly shards: Shard[] = Array.from({ length: shardCount }, (_, index) => ({
    index,
    queue: [],
    inFlight: null,
    sending: false,
    lastNumber: 0,
    delivered: new Set(),
  }));
  private queued = 0;
  private readonly scheduled = new Set<Shard>();

  constructor(
    private readonly keys: RedisKeys,
    private readonly link: RedisLink,
    private readonly options: OutboxOptions,
    private readonly on: {
      /** Redis has taken a message and given it its position. */
      published(entry: Outgoing, position: Position): void;
      failed(error: unknown): void;
    },
  ) {}

  /** @throws Problem 503 when too many wait already */
  push(entry: Outgoing): void {
    if (this.queued >= this.options.maxQueued) {
      if (!entry.delivered) throw new Problem(503, 'BROKER_BUSY', 'Too many messages wait for Redis.');
      this.dropped++;
      return;
    }
    this.queued++;
    const shard = this.shards[this.keys.shardOf(entry.topic)]!;
    shard.queue.push(entry);
    if (this.scheduled.has(shard)) return;
    this.scheduled.add(shard);
    setImmediate(() => {
      this.scheduled.delete(shard);
      this.pump(shard);
    });
  }

  /** Everything that waits, in order of publishing per topic; the caller delivers it and marks it so. */
  *undelivered(): Iterable<Outgoing> {
    for (const shard of this.shards) {
      const { inFlight } = shard;
      if (inFlight?.entries.some((entry) => !entry.delivered)) {
        shard.delivered.add(inFlight.number);
        yield* inFlight.entries;
      }
      for (const entry of shard.queue) if (!entry.delivered) yield entry;
    }
  }

  /** This process's own messages came back before the answer did: they are out, whatever becomes of the answer. */
  heard(number: number, lines: readonly Line[]): void {
    const shard = lines[0] === undefined ? undefined : this.shards[this.keys.shardOf(lines[0].topic)];
    if (shard?.inFlight?.number !== number) return;
    shard.inFlight.entries.forEach((entry, i) => {
      if (entry.delivered) return;
      entry.delivered = true;
      entry.done(lines[i]!);
    });
  }

  /** Whether a remembered message is one that local clients got while Redis was away. */
  wasDelivered(topic: string, origin: string, number: number): boolean {
    return origin === this.origin && this.shards[this.keys.shardOf(topic)]!.delivered.has(number);
  }

  /** Sends what waited. Resolves when Redis has all that was delivered before; rejects when it is away again. */
  async resend(): Promise<void> {
    await Promise.all(
      this.shards.map(async (shard) => {
        while (shard.inFlight !== null || shard.queue.some((entry) => entry.delivered)) {
          if (!this.link.isUp) throw new Error('Redis is away');
          if (shard.sending) await pause(5);
          else await this.send(shard);
        }
        this.pump(shard);
      }),
    );
  }

  /** Local clients and Redis agree again. */
  forgetDelivered(): void {
    for (const shard of this.shards) shard.delivered.clear();
  }

  private pump(shard: Shard): void {
    if (shard.sending || !this.link.isUp || (shard.inFlight === null && shard.queue.length === 0)) return;
    this.send(shard).then(
      () => this.pump(shard),
      (error: unknown) => this.on.failed(error),
    );
  }

  private async send(shard: Shard): Promise<void> {
    const batch = shard.inFlight ?? this.nextBatch(shard);
    shard.inFlight = batch;
    shard.sending = true;
    let positions: Position[];
    try {
      positions = readPositions(await this.link.promptly(this.call(shard, batch)));
    } finally {
      shard.sending = false;
    }
    shard.inFlight = null;
    this.queued -= batch.entries.length;
    batch.entries.forEach((entry, i) => {
      this.on.published(entry, positions[i]!);
    });
  }

  /** Delivered and undelivered messages do not mix: the number says which of the two a batch is. */
  private nextBatch(shard: Shard): Batch {
    const { delivered } = shard.queue[0]!;
    let chars = 0;
    let count = 0;
    for (const entry of shard.queue) {
      if (entry.delivered !== delivered || count === maxBatchMessages || chars > maxBatchChars) break;
      chars += entry.body.length;
      count++;
    }
    const entries = shard.queue.slice(0, count);
    shard.queue = shard.queue.slice(count);
    const number = ++shard.lastNumber;
    if (delivered) shard.delivered.add(number);
    return { number, entries };
  }

  private call(shard: Shard, { number, entries }: Batch): Promise<string> {
    const { keys, options } = this;
    const names = entries.flatMap(({ topic }) => [keys.meta(topic), keys.history(topic)]);
    return this.link.redis.tidewatchPublish(
      names.length + 2,
      keys.seen(shard.index, this.origin),
      keys.topics(shard.index),
      ...names,
      keys.channel(shard.index),
      this.origin,
      number,
      `${this.origin}.${shard.index}.${number}.`,
      options.historyMessages,
      options.historyTtlMs,
      this.link.publishCommand,
      ...entries.flatMap(({ topic, tsMs, body }) => [topic, tsMs, body]),
    );
  }
}
