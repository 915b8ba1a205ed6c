import { randomBytes } from 'node:crypto';
import { isAlwaysRetained } from '../protocol/topics.js';
import type { Publication } from '../publication.js';
import { type HistoryLimits, TopicLog } from '../topic-log.js';

export interface HistoryOptions extends HistoryLimits {
  /** Characters of JSON that all topics together may remember. */
  readonly maxBytes: number;
  /** Topics known at once; beyond, the least recently used one without a subscriber is forgotten. */
  readonly maxTopics: number;
}

export const defaultHistory: HistoryOptions = {
  maxMessages: 1_000,
  maxAgeMs: 300_000,
  maxBytes: 64 * 1024 * 1024,
  maxTopics: 100_000,
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
  private bytes = 0;
  private seq = 0;
  /** Messages given up because of {@link HistoryOptions.maxBytes} or {@link HistoryOptions.maxTopics}. */
  evicted = 0;

  constructor(readonly options: HistoryOptions) {}

  get size(): number {
    return this.byName.size;
  }

  get usedBytes(): number {
    return this.bytes;
  }

  get(topic: string): TopicLog | undefined {
    return this.byName.get(topic);
  }

  values(): IterableIterator<TopicLog> {
    return this.byName.values();
  }

  create(topic: string, epoch: string, nowMs: number): TopicLog {
    if (this.byName.size >= this.options.maxTopics) this.forgetOldest(nowMs);
    const log = new TopicLog(topic, epoch);
    log.retained = isAlwaysRetained(topic);
    log.lastFollowedMs = nowMs;
    this.byName.set(topic, log);
    return log;
  }

  append(log: TopicLog, publication: Publication, followed: boolean): void {
    publication.seq = ++this.seq;
    if (followed) {
      log.retained = true;
      log.lastFollowedMs = publication.tsMs;
    }
    this.bytes += log.append(publication, this.options);
    if (this.bytes > this.options.maxBytes) this.shrink();
  }

  prepend(log: TopicLog, older: readonly Publication[]): void {
    const before = log.bytes;
    log.prepend(older);
    this.bytes += log.bytes - before;
  }

  restart(log: TopicLog, epoch: string, offset: number): void {
    this.bytes -= log.bytes;
    log.restart(epoch, offset);
  }

  /**
   * Drops what is too old, and stops remembering for topics that nobody has followed for that long.
   * @param forgetIdle forget those topics altogether: somebody else keeps them
   */
  sweep(nowMs: number, isFollowed: (topic: string) => boolean, forgetIdle = false): void {
    const before = nowMs - this.options.maxAgeMs;
    for (const log of this.byName.values()) {
      this.bytes += log.trimOlderThan(before);
      if (isFollowed(log.name)) log.lastFollowedMs = nowMs;
      if (log.lastFollowedMs >= before) continue;
      log.retained = isAlwaysRetained(log.name);
      if (log.last !== null && !forgetIdle) continue;
      this.bytes -= log.bytes;
      this.byName.delete(log.name);
    }
  }

  /** The one that was made first and that nobody can be following: it is not retained, or has been idle. */
  private forgetOldest(nowMs: number): void {
    for (const log of this.byName.values()) {
      if (log.retained && log.lastFollowedMs >= nowMs - this.options.maxAgeMs) continue;
      this.evicted += log.size;
      this.bytes -= log.bytes;
      this.byName.delete(log.name);
      return;
    }
  }

  private shrink(): void {
    for (const log of this.byName.values()) {
      if (log.size === 0) continue;
      const size = log.size;
      this.bytes += log.halve();
      this.evicted += size - log.size;
      // To the end of the line: every topic gives something before one gives twice.
      this.byName.delete(log.name);
      this.byName.set(log.name, log);
      if (this.bytes <= this.options.maxBytes * 0.9) return;
    }
  }
}
