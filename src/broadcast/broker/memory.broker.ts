import { type Position, Publication } from '../publication.js';
import type { LossReason, TopicLog } from '../topic-log.js';
import {
  Broker,
  type BrokerListener,
  type BrokerState,
  type GivenUp,
  type Message,
  type Published,
} from './broker.js';
import { Epochs, History, type HistoryOptions } from './history.js';

/** One process alone: everything is known here and answered at once. */
export class MemoryBroker extends Broker {
  readonly kind = 'memory';
  readonly state: BrokerState = 'ok';
  readonly history: History;
  private readonly epochs = new Epochs();
  private listener: BrokerListener | undefined;
  private sweeper: NodeJS.Timeout | undefined;

  constructor(
    options: HistoryOptions,
    private readonly nowMs: () => number = Date.now,
  ) {
    super();
    this.history = new History(options, {
      isNeeded: ({ name }) => this.listener?.isFollowed(name) ?? false,
      forgotten: () => {},
    });
  }

  override get historyBytes(): number {
    return this.history.usedBytes;
  }

  override get unheard(): number {
    return 0;
  }

  override get historyEvicted(): number {
    return this.history.evicted;
  }

  override get givenUp(): GivenUp {
    return this.history.givenUp;
  }

  override get maxFamilyTopics(): number {
    return this.history.options.maxFamilyTopics;
  }

  override start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    const everyMs = Math.min(this.history.options.maxAgeMs, 30_000);
    this.sweeper = setInterval(() => this.history.sweep(this.nowMs()), everyMs).unref();
    return Promise.resolve();
  }

  override publish(messages: readonly Message[]): readonly Published[] {
    const tsMs = this.nowMs();
    // All of them or none: a topic that is refused is refused before anything is published.
    if (messages.length > 1) {
      for (const { topic } of messages) if (this.history.get(topic) === undefined) this.begin(topic);
    }
    const out = new Array<Published>(messages.length);
    for (let i = 0; i < messages.length; i++) {
      const { topic, data, json } = messages[i]!;
      const log = this.history.get(topic) ?? this.begin(topic);
      const offset = log.offset + 1;
      const publication = Publication.of(topic, log.prefix, offset, tsMs, data, json);
      this.history.append(log, publication, this.listener?.isFollowed(topic) ?? false);
      out[i] = { topic, epoch: log.epoch, offset };
      this.listener?.onPublication(log, publication);
      publication.release();
    }
    return out;
  }

  override passOver(topic: string): boolean {
    const log = this.history.get(topic);
    if (log === undefined || log.retained || this.listener?.isFollowed(topic)) return false;
    if (log.told) this.history.restart(log, this.epochs.next(), log.offset);
    log.stale = true;
    return true;
  }

  override open(topic: string): TopicLog {
    return this.history.get(topic) ?? this.history.create(topic, this.epochs.next(), this.nowMs());
  }

  private begin(topic: string): TopicLog {
    const log = this.open(topic);
    if (this.listener?.isFollowed(topic)) this.listener.onReposition(log, 'begun', 0);
    return log;
  }

  override openFamily(): number {
    // Everything that is known is known here.
    return 0;
  }

  override get(topic: string): TopicLog | undefined {
    return this.history.get(topic);
  }

  override logs(): Iterable<TopicLog> {
    return this.history.values();
  }

  override reach(log: TopicLog, since: Position): LossReason | undefined {
    return log.lossSince(since);
  }

  override stop(): Promise<void> {
    clearInterval(this.sweeper);
    return Promise.resolve();
  }
}
