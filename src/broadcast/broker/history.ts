import { randomBytes } from 'node:crypto';
import { unavailable } from '../../domain/problem.js';
import { isAlwaysRetained } from '../protocol/topics.js';
import type { Publication } from '../publication.js';
import { SlabPool } from '../slab.js';
import { type HistoryLimits, TopicLog } from '../topic-log.js';

export interface HistoryOptions extends HistoryLimits {
  /** Memory that what all topics together remember may take, bytes. */
  readonly maxBytes: number;
  /** Topics known at once; beyond, one that nobody follows is forgotten, and where all are followed a new one is refused. */
  readonly maxTopics: number;
  /** Topics that the answer to the subscription of a family names. */
  readonly maxFamilyTopics: number;
}

/** What a history asks and tells the broker that it belongs to. */
export interface HistoryOwner {
  /** Somebody follows the topic, or is about to: it may not be forgotten. */
  isNeeded(log: TopicLog): boolean;
  /** The topic is not known any more. */
  forgotten(log: TopicLog): void;
}

/** Topics looked at for one that may be forgotten, so that a new topic costs the same however many there are. */
const maxLooks = 1_000;

/** Topics swept before everything else gets a turn: about a millisecond. */
const sweptAtOnce = 1_000;

/** So much of {@link HistoryOptions.maxBytes} may wait to be used again: about what is given up at once when they are reached. */
const spareShare = 1 / 8;

export const defaultHistory: HistoryOptions = {
  maxMessages: 1_000,
  maxAgeMs: 300_000,
  maxBytes: 64 * 1024 * 1024,
  maxTopics: 100_000,
  maxFamilyTopics: 10_000,
};

/** Makes epochs: never the same twice, in this process or another. */
export class Epochs {
  private readonly base = randomBytes(6).toString('base64url');
  private count = 0;

  next(): string {
    return `${this.base}${(this.count++).toString(36)}`;
  }
}

/** The topic logs of one process, bounded in number, messages, age and bytes. */
export class History {
  private readonly byName = new Map<string, TopicLog>();
  /** Those that have had no message: whoever may read can make up names, and these make room first. */
  private readonly empty = new Set<TopicLog>();
  private bytes = 0;
  private readonly slabs: SlabPool;
  private seq = 0;
  /** Messages given up because of {@link HistoryOptions.maxBytes} or {@link HistoryOptions.maxTopics}. */
  evicted = 0;
  /** Topics forgotten before their time, and new ones refused, because of {@link HistoryOptions.maxTopics}. */
  readonly givenUp = { topic: 0, new_topic: 0 };

  constructor(
    readonly options: HistoryOptions,
    readonly owner: HistoryOwner,
  ) {
    this.slabs = new SlabPool(options.maxBytes * spareShare);
  }

  get size(): number {
    return this.byName.size;
  }

  get isFull(): boolean {
    return this.byName.size >= this.options.maxTopics;
  }

  /** Memory of the messages, and what waits to be used for the next. */
  get usedBytes(): number {
    return this.bytes + this.slabs.spareBytes;
  }

  get(topic: string): TopicLog | undefined {
    return this.byName.get(topic);
  }

  values(): IterableIterator<TopicLog> {
    return this.byName.values();
  }

  /** @throws Problem 503 when all topics that may be known are followed */
  create(topic: string, epoch: string, nowMs: number): TopicLog {
    if (this.isFull && !this.makeRoom()) {
      this.givenUp.new_topic++;
      throw unavailable('TOO_MANY_TOPICS', 'This process knows as many topics as it may.', 5);
    }
    const log = new TopicLog(topic, epoch, this.slabs);
    log.retained = isAlwaysRetained(topic);
    log.lastFollowedMs = nowMs;
    this.byName.set(topic, log);
    this.empty.add(log);
    return log;
  }

  append(log: TopicLog, publication: Publication, followed: boolean): void {
    publication.seq = ++this.seq;
    if (log.forgotten) return;
    if (followed) {
      log.retained = true;
      log.told = true;
      log.lastFollowedMs = publication.tsMs;
    }
    if (log.last === null) this.empty.delete(log);
    this.bytes += log.append(publication, this.options);
    if (this.bytes > this.options.maxBytes) this.shrink();
  }

  prepend(log: TopicLog, older: readonly Publication[]): void {
    if (log.forgotten) return;
    const before = log.bytes;
    log.prepend(older);
    this.bytes += log.bytes - before;
  }

  restart(log: TopicLog, epoch: string, offset: number): void {
    const before = log.bytes;
    log.restart(epoch, offset);
    if (!log.forgotten) this.bytes += log.bytes - before;
  }

  /** Keeps the last message of a topic that was read from elsewhere. */
  holdLast(log: TopicLog, last: Publication): void {
    if (log.forgotten) return;
    this.empty.delete(log);
    this.bytes += log.holdLast(last);
    if (this.bytes > this.options.maxBytes) this.shrink();
  }

  /**
   * Drops what is too old, and stops remembering for topics that nobody has followed for that long; in pieces, with turns of
   * the event loop between them.
   * @param forgetIdle forget those topics altogether: somebody else keeps them
   */
  sweep(nowMs: number, forgetIdle = false): void {
    const logs = this.byName.values();
    let left = this.byName.size;
    const piece = (): void => {
      for (let n = Math.min(left, sweptAtOnce); n > 0; n--) {
        const next = logs.next();
        if (next.done) return;
        this.sweepOne(next.value, nowMs, forgetIdle);
      }
      left -= sweptAtOnce;
      if (left > 0) setImmediate(piece);
    };
    piece();
  }

  private sweepOne(log: TopicLog, nowMs: number, forgetIdle: boolean): void {
    const before = nowMs - this.options.maxAgeMs;
    this.bytes += log.trimOlderThan(before);
    if (this.owner.isNeeded(log)) log.lastFollowedMs = nowMs;
    if (log.lastFollowedMs >= before) return;
    log.retained = isAlwaysRetained(log.name);
    if (log.last === null || forgetIdle) this.forget(log);
  }

  forget(log: TopicLog): void {
    if (log.forgotten) return;
    log.forgotten = true;
    this.bytes -= log.bytes;
    this.byName.delete(log.name);
    this.empty.delete(log);
    this.owner.forgotten(log);
  }

  /** Forgets a topic that nobody needs, the one that is longest in its line. @returns whether there was one */
  private makeRoom(): boolean {
    return this.forgetOneOf(this.empty, this.empty.size) || this.forgetOneOf(this.byName.values(), this.size);
  }

  private forgetOneOf(line: Iterable<TopicLog>, length: number): boolean {
    let looks = Math.min(maxLooks, length);
    for (const log of line) {
      if (looks-- === 0) break;
      if (!this.owner.isNeeded(log)) {
        this.evicted += log.size;
        this.givenUp.topic++;
        this.forget(log);
        return true;
      }
      this.toEnd(log);
    }
    return false;
  }

  private toEnd(log: TopicLog): void {
    this.byName.delete(log.name);
    this.byName.set(log.name, log);
    if (this.empty.delete(log)) this.empty.add(log);
  }

  /**
   * Every topic gives half of what it holds before one gives twice; one that has nothing but its last message is forgotten,
   * or gives that up where it is needed.
   */
  private shrink(): void {
    let looks = Math.min(maxLooks, this.byName.size);
    for (const log of this.byName.values()) {
      if (looks-- === 0) return;
      const { size } = log;
      if (size > 0) this.bytes += log.halve();
      else if (log.bytes > 0 && !this.owner.isNeeded(log)) {
        this.givenUp.topic++;
        this.forget(log);
        continue;
      } else {
        if (log.bytes > 0) this.evicted++;
        this.bytes += log.holdLast(null);
      }
      this.evicted += size - log.size;
      this.toEnd(log);
      if (this.bytes <= this.options.maxBytes * 0.9) return;
    }
  }
}
