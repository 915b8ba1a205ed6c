import { messagePrefix, type Position, type Publication } from './publication.js';
import type { Slab, SlabPool } from './slab.js';

/** Bounds of what a topic remembers. */
export interface HistoryLimits {
  readonly maxMessages: number;
  readonly maxAgeMs: number;
}

/** Why missed messages cannot be given. */
export type LossReason =
  | 'no_position'
  | 'epoch_changed'
  | 'history_lost'
  | 'offset_ahead'
  | 'too_much_missed'
  /** A family with more topics than an answer names. */
  | 'too_many_topics';

export type Missed = readonly Publication[] | LossReason;

/**
 * What is known of one topic: its epoch, its newest offset, its last message, and the ring of recent ones that a
 * reconnecting client resumes from.
 */
export class TopicLog {
  readonly prefix: string;
  offset = 0;
  last: Publication | null = null;
  /** Whether messages are kept for resuming; a topic that nobody has asked for lately keeps only the last. */
  retained = false;
  /** When it was last seen to have a subscription, Unix ms. */
  lastFollowedMs = 0;
  /** Memory of the slabs that hold the JSON of the ring and of the last message. */
  bytes = 0;
  /** Its history has given it up: whoever still holds it must not add to it. */
  forgotten = false;
  /** A message has been passed over since the last: what is true now is newer than that. */
  stale = false;
  /** A client has been told of a position of this epoch. */
  told = false;
  private ring: (Publication | undefined)[] = [];
  private head = 0;
  /** Where the next message goes while there is room. */
  private slab: Slab | null = null;

  constructor(
    readonly name: string,
    public epoch: string,
    private readonly slabs: SlabPool,
  ) {
    this.prefix = messagePrefix(name);
  }

  get position(): Position {
    return { epoch: this.epoch, offset: this.offset };
  }

  get size(): number {
    return this.ring.length - this.head;
  }

  /** Offset of the oldest message in the ring; `null` when it is empty. */
  get oldest(): number | null {
    return this.ring[this.head]?.offset ?? null;
  }

  /** Appends the next message. @returns change of {@link bytes} */
  append(publication: Publication, limits: HistoryLimits): number {
    const before = this.bytes;
    this.offset = publication.offset;
    this.stale = false;
    // What only this process makes, and nobody asks for, is not even turned into JSON.
    if (this.retained) {
      // The ring has no holes: what stands before a loss could never be resumed from.
      if (publication.lostFrom !== null) this.clear();
      this.keep(publication);
      this.ring.push(publication);
      publication.hold();
    } else if (this.size > 0) this.clear(); // It would end before this message, and nobody could tell.
    this.replaceLast(publication);
    while (this.size > limits.maxMessages) this.dropOldest();
    if (this.retained) this.trimOlderThan(publication.tsMs - limits.maxAgeMs);
    return this.bytes - before;
  }

  /** Takes over the last message, or gives it up. @returns change of {@link bytes} */
  holdLast(last: Publication | null): number {
    const before = this.bytes;
    if (last !== null) this.keep(last);
    this.replaceLast(last);
    last?.release();
    return this.bytes - before;
  }

  /** Puts older messages, read from elsewhere, in front of the ring. They must end just before it begins. */
  prepend(older: readonly Publication[]): void {
    this.ring = [...older, ...this.ring.slice(this.head)];
    this.head = 0;
    for (const publication of older) {
      this.keep(publication);
      publication.hold();
      publication.release();
    }
  }

  /** The messages after a position, or why they cannot be given. */
  after(since: Position): Missed {
    if (since.epoch !== this.epoch) return 'epoch_changed';
    if (since.offset > this.offset) return 'offset_ahead';
    if (since.offset === this.offset) return [];
    const oldest = this.ring[this.head]?.offset;
    if (oldest === undefined || oldest > since.offset + 1) return 'history_lost';
    return this.ring.slice(this.head + (since.offset + 1 - oldest)) as Publication[];
  }

  /** Why the messages after a position cannot be given; `undefined` when they can. */
  lossSince(since: Position): LossReason | undefined {
    const missed = this.after(since);
    return typeof missed === 'string' ? missed : undefined;
  }

  /** @returns change of {@link bytes} */
  trimOlderThan(minTsMs: number): number {
    const before = this.bytes;
    while (this.size > 0 && this.ring[this.head]!.tsMs < minTsMs) this.dropOldest();
    return this.bytes - before;
  }

  /** Drops the oldest until half of the bytes are free. @returns change of {@link bytes} */
  halve(): number {
    const before = this.bytes;
    while (this.size > 0 && this.bytes > before / 2) this.dropOldest();
    return this.bytes - before;
  }

  /** Forgets the history and starts a new epoch. */
  restart(epoch: string, offset: number): void {
    this.epoch = epoch;
    this.offset = offset;
    this.told = false;
    this.clear();
  }

  private clear(): void {
    while (this.size > 0) this.dropOldest();
    this.ring = [];
    this.head = 0;
  }

  /** Keeps the JSON of a message off the heap. */
  private keep(publication: Publication): void {
    const size = Buffer.byteLength(publication.body);
    if (!this.slab?.hasRoomFor(size)) {
      this.slab = this.slabs.take(size, this.bytes);
      this.bytes += this.slab.footprint;
    }
    publication.keepIn(this.slab, size);
  }

  private replaceLast(last: Publication | null): void {
    const before = this.last;
    this.last = last;
    last?.hold();
    if (before === null) return;
    before.release();
    this.letGo(before);
  }

  /** The last message of a quiet topic stays for as long as the topic: not with the slab that it shared. */
  private keepLastAlone(): void {
    const { last } = this;
    if (!last?.slab?.isMostlyOthers(last.size)) return;
    const shared = last.slab;
    this.slab = this.slabs.take(last.size, 0);
    this.bytes += this.slab.footprint;
    last.keepIn(this.slab, last.size);
    this.giveBackUnheld(shared);
  }

  private letGo(publication: Publication): void {
    const { slab } = publication;
    publication.letGo();
    this.giveBackUnheld(slab);
  }

  private giveBackUnheld(slab: Slab | null): void {
    if (slab === null || slab.holders > 0) return;
    this.bytes -= slab.footprint;
    if (slab === this.slab) this.slab = null;
    this.slabs.giveBack(slab);
  }

  private dropOldest(): void {
    const dropped = this.ring[this.head]!;
    this.ring[this.head++] = undefined;
    this.letGo(dropped);
    if (this.size === 0) this.keepLastAlone();
    if (this.head > 64 && this.head * 2 > this.ring.length) {
      this.ring = this.ring.slice(this.head);
      this.head = 0;
    }
  }
}
