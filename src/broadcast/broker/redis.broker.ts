import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { Problem } from '../../domain/problem.js';
import { type Position, Publication } from '../publication.js';
import type { LossReason, TopicLog } from '../topic-log.js';
import { Availability } from './availability.js';
import {
  Broker,
  type BrokerListener,
  type BrokerState,
  type GivenUp,
  type Message,
  type Published,
} from './broker.js';
import { Epochs, History, type HistoryOptions } from './history.js';
import { Mirror } from './mirror.js';
import { Outbox, type Outgoing } from './outbox.js';
import { holeMs, inBatches, RedisCatchUp } from './redis-catch-up.js';
import { namespaceOf, RedisKeys, shardCount } from './redis-keys.js';
import { RedisLink } from './redis-link.js';
import { type Line, readAnnouncement } from './redis-scripts.js';
import { RedisTopics } from './redis-topics.js';

/** Messages that may wait for Redis while it is away. */
const maxQueued = 100_000;
/** How often the positions of followed topics are compared with Redis, ms. */
const auditMs = 5_000;
/** How often the names of one shard are looked through for topics that Redis has forgotten, ms: all within the hour. */
const trimMs = 3_600_000 / shardCount;

/** Told of what operators want to know. */
export interface BrokerEvents {
  degraded(reason: string): void;
  /** @param dropped messages that no other node will ever hear of */
  recovered(awayMs: number, dropped: number): void;
}

/**
 * Many processes on one Redis. Redis gives the offsets and keeps the history (a stream per topic), so that a client can
 * resume at any node; every node hears everything through a fixed number of channels and keeps its own ring of the
 * topics that are followed there.
 *
 * While Redis is away, what is published here still reaches the clients here: the topic goes on under a local epoch,
 * which its followers are told. What was published meanwhile goes to Redis when it is back; what others published is
 * delivered then, or named as lost where Redis does not have it any more.
 */
export class RedisBroker extends Broker {
  readonly kind = 'redis';
  readonly history: History;
  private readonly mirrors = new Map<string, Mirror>();
  private readonly keys: RedisKeys;
  private readonly link: RedisLink;
  private readonly outbox: Outbox;
  private readonly catchUp: RedisCatchUp;
  private readonly topics: RedisTopics;
  private readonly availability: Availability;
  private readonly epochs = new Epochs();
  private listener!: BrokerListener;
  private timers: NodeJS.Timeout[] = [];
  private stopped = false;

  constructor(
    url: string,
    options: HistoryOptions,
    events: BrokerEvents,
    private readonly nowMs: () => number = Date.now,
  ) {
    super();
    this.history = new History(options, {
      isNeeded: ({ name }) =>
        this.mirrors.get(name)?.isAwaited(this.nowMs()) === true || this.listener.isFollowed(name),
      forgotten: ({ name }) => this.mirrors.delete(name),
    });
    this.keys = new RedisKeys(namespaceOf(url));
    const channels = Array.from({ length: shardCount }, (_, shard) => this.keys.channel(shard));
    this.link = new RedisLink(url, channels, {
      onAnnouncement: (text) => this.onAnnouncement(text),
      onUp: () => void this.availability.recover(),
      onDown: (reason) => this.availability.lost(reason),
    });
    this.availability = new Availability(
      {
        isConnected: () => this.link.isUp,
        probe: () => this.catchUp.probe(),
        catchUp: () => this.rejoin(),
        agreed: () => this.agree(),
        gone: () => this.deliverWaiting(),
      },
      {
        degraded: (reason) => events.degraded(reason),
        recovered: (awayMs) => events.recovered(awayMs, this.outbox.dropped),
      },
      nowMs,
    );
    this.topics = new RedisTopics(this.keys, this.link);
    this.outbox = new Outbox(
      this.keys,
      this.link,
      { maxQueued, historyMessages: options.maxMessages, historyTtlMs: options.maxAgeMs },
      {
        published: (entry, position) => this.onPublished(entry, position),
        failed: (error) => this.onCommandFailed(error),
      },
    );
    this.catchUp = new RedisCatchUp(this.keys, this.link, this.history, this.outbox, this.epochs, {
      append: (log, offset, tsMs, body, lostFrom) => this.append(log, offset, tsMs, body, lostFrom),
      restarted: (mirror, position) => this.restarted(mirror, position),
      inStep: (mirror) => this.takeHeld(mirror),
    });
  }

  get state(): BrokerState {
    return this.availability.state;
  }

  /** The connection for commands, for what else the nodes keep in Redis. There from {@link start} on. */
  get redis(): Redis | Cluster {
    return this.link.redis;
  }

  get historyBytes(): number {
    return this.history.usedBytes;
  }

  get historyEvicted(): number {
    return this.history.evicted;
  }

  get unheard(): number {
    return this.outbox.dropped;
  }

  get givenUp(): GivenUp {
    return this.history.givenUp;
  }

  get maxFamilyTopics(): number {
    return this.history.options.maxFamilyTopics;
  }

  override async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    this.availability.start();
    const sweepMs = Math.min(this.history.options.maxAgeMs, 30_000);
    this.timers = [
      // What nobody follows here, Redis keeps.
      setInterval(() => this.history.sweep(this.nowMs(), true), sweepMs).unref(),
      setInterval(() => void this.audit(), auditMs).unref(),
      setInterval(() => void this.trim(), trimMs).unref(),
    ];
    await this.link.start();
    const until = this.nowMs() + 1_000;
    while (this.link.isUp && this.state === 'degraded' && this.nowMs() < until) await pause(5);
  }

  override stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    this.availability.stop();
    this.link.stop();
    return Promise.resolve();
  }

  // ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────

  override publish(messages: readonly Message[]): readonly Published[] | Promise<readonly Published[]> {
    const tsMs = this.nowMs();
    const alone = this.availability.isAlone;
    // All of them or none: a topic that is refused is refused before anything is published.
    if (alone) for (const { topic } of messages) this.mirrors.get(topic) ?? this.mirror(topic, 'loading');
    const answers = messages.map(({ topic, data, json }) => {
      const body = json ?? JSON.stringify(data) ?? 'null';
      return alone ? this.publishAlone(topic, body, tsMs) : this.publishToAll(topic, body, tsMs);
    });
    return alone ? (answers as Published[]) : Promise.all(answers);
  }

  private publishToAll(topic: string, body: string, tsMs: number): Promise<Published> {
    return new Promise((resolve, failed) => {
      const done = (position: Position) => resolve({ topic, ...position });
      this.outbox.push({ topic, body, tsMs, delivered: false, done, failed });
    });
  }

  private publishAlone(topic: string, body: string, tsMs: number): Published {
    const position = this.deliverAlone(topic, body, tsMs);
    this.outbox.push({ topic, body, tsMs, delivered: true, done: () => {}, failed: () => {} });
    return { topic, ...position };
  }

  private deliverAlone(topic: string, body: string, tsMs: number): Position {
    const mirror = this.mirrors.get(topic) ?? this.mirror(topic, 'loading');
    if (mirror.state !== 'alone') this.goAlone(mirror);
    this.append(mirror.log, mirror.log.offset + 1, tsMs, body, null);
    return mirror.log.position;
  }

  private goAlone(mirror: Mirror): void {
    mirror.goAlone();
    this.history.restart(mirror.log, `${this.epochs.next()}~`, 0);
    this.listener.onReposition(mirror.log, 'degraded', 0);
  }

  private onPublished(entry: Outgoing, position: Position): void {
    if (!entry.delivered) {
      this.hear({ ...position, topic: entry.topic, tsMs: entry.tsMs, body: entry.body });
    }
    entry.done(position);
  }

  // ── hearing ────────────────────────────────────────────────────────────────────────────────────────────────────

  private onAnnouncement(text: string): void {
    const { origin, number, lines } = readAnnouncement(text);
    if (origin === this.outbox.origin) this.outbox.heard(number, lines);
    for (const line of lines) {
      // What local clients have already is accounted for when this node and Redis agree again.
      if (!this.outbox.wasDelivered(line.topic, origin, number)) this.hear(line);
    }
  }

  private hear(line: Line): void {
    let mirror = this.mirrors.get(line.topic);
    if (mirror === undefined) {
      if (!this.listener.isFollowed(line.topic)) return;
      mirror = this.begin(line);
      if (mirror === undefined) return;
    }
    if (mirror.state !== 'live') {
      mirror.hold(line);
      return;
    }
    const { log } = mirror;
    const known = line.epoch === log.epoch;
    if (known && line.offset <= log.offset) return;
    // A hole, or another epoch: newer than ours or a late echo of an older one. Redis is asked.
    if (!known || line.offset > log.offset + 1) {
      mirror.hold(line);
      this.fillLater(mirror);
      return;
    }
    this.append(log, line.offset, line.tsMs, line.body, null);
    this.takeHeld(mirror);
  }

  /** A new topic of a followed family; `undefined` when there are as many topics as may be, which has been counted. */
  private begin({ topic, epoch, offset }: Line): Mirror | undefined {
    const isFull = this.history.isFull;
    let mirror: Mirror;
    try {
      mirror = this.mirror(topic, 'live');
    } catch {
      return undefined;
    }
    this.history.restart(mirror.log, epoch, offset - 1);
    // Where topics were refused, earlier messages of this one may have gone by unheard.
    this.listener.onReposition(mirror.log, 'begun', isFull ? null : 0);
    return mirror;
  }

  /** Redis has forgotten the topic and begun again. */
  private restarted(mirror: Mirror, { epoch, offset }: Position): void {
    this.history.restart(mirror.log, epoch, offset);
    this.listener.onReposition(mirror.log, 'restarted', null);
  }

  private takeHeld(mirror: Mirror): void {
    if (mirror.held.length === 0) return;
    for (const line of mirror.takeHeld()) this.hear(line);
  }

  private append(log: TopicLog, offset: number, tsMs: number, body: string, lostFrom: number | null): void {
    if (log.forgotten) return;
    const publication = Publication.fromJson(log.name, log.prefix, offset, tsMs, body, lostFrom);
    this.history.append(log, publication, this.listener.isFollowed(log.name));
    this.listener.onPublication(log, publication);
    publication.release();
  }

  // ── looking up ─────────────────────────────────────────────────────────────────────────────────────────────────

  override get(topic: string): TopicLog | undefined {
    return this.mirrors.get(topic)?.log;
  }

  override logs(): Iterable<TopicLog> {
    return this.history.values();
  }

  /** Who follows on another node is not known here. */
  override passOver(): boolean {
    return false;
  }

  override open(topic: string): TopicLog | Promise<TopicLog> {
    const mirror = this.mirrors.get(topic) ?? this.mirror(topic, 'loading');
    mirror.askedMs = this.nowMs();
    if (mirror.state === 'loading' && this.availability.isAlone) this.goAlone(mirror);
    if (mirror.state !== 'loading') return mirror.log;
    mirror.loading ??= this.load(mirror);
    return mirror.loading;
  }

  override async openFamily(family: string): Promise<number> {
    if (this.availability.isAlone) return 0;
    try {
      const { topics, beyond } = await this.topics.of(family, this.maxFamilyTopics);
      let refused = 0;
      await inBatches(topics, async (topic) => {
        try {
          await this.open(topic);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          refused++;
        }
      });
      return beyond + refused;
    } catch (error) {
      this.onCommandFailed(error);
      return 0;
    }
  }

  private async load(mirror: Mirror): Promise<TopicLog> {
    const { log } = mirror;
    try {
      const { epoch, offset, last } = await this.catchUp.opened(log);
      if (mirror.state === 'loading') {
        this.history.restart(log, epoch, offset);
        if (last !== null) this.history.holdLast(log, last);
        mirror.state = 'live';
        this.takeHeld(mirror);
      }
    } catch (error) {
      // Alone for now: the clients here can still hear each other.
      if (mirror.state === 'loading') this.goAlone(mirror);
      this.onCommandFailed(error);
    } finally {
      mirror.loading = null;
    }
    return log;
  }

  override async reach(log: TopicLog, since: Position): Promise<LossReason | undefined> {
    const mirror = this.mirrors.get(log.name);
    if (mirror !== undefined) {
      mirror.askedMs = this.nowMs();
      await this.quietly(this.catchUp.reach(mirror, since));
    }
    return log.lossSince(since);
  }

  /** What cannot be looked up now will be once Redis is back. */
  private quietly(asked: Promise<void>): Promise<void> {
    return asked.catch((error: unknown) => this.onCommandFailed(error));
  }

  // ── holes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private fillLater(mirror: Mirror): void {
    mirror.filling ??= setTimeout(() => {
      mirror.filling = null;
      if (mirror.held.length > 0) void this.quietly(this.catchUp.fill(mirror));
    }, holeMs);
  }

  /** Compares what is followed with Redis, which is to keep it. */
  async audit(): Promise<void> {
    if (this.state !== 'ok') return;
    const followed = [...this.mirrors.values()].filter(
      (mirror) => mirror.state === 'live' && this.listener.isFollowed(mirror.log.name),
    );
    await this.quietly(this.catchUp.audit(followed, this.nowMs()));
  }

  /** Takes the names of topics that Redis has forgotten out of one shard; of the next one when called again. */
  async trim(): Promise<void> {
    if (this.state === 'ok') await this.quietly(this.topics.trim());
  }

  // ── Redis away and back ────────────────────────────────────────────────────────────────────────────────────────

  private onCommandFailed(error: unknown): void {
    if (this.stopped) return;
    this.availability.lost(error);
    this.link.reset();
  }

  /** Clients here get what waits for Redis: it goes there later. */
  private deliverWaiting(): void {
    for (const entry of this.outbox.undelivered()) {
      entry.delivered = true;
      try {
        entry.done(this.deliverAlone(entry.topic, entry.body, entry.tsMs));
      } catch (error) {
        entry.failed(error);
      }
    }
  }

  private async rejoin(): Promise<void> {
    await this.outbox.resend();
    this.forgetUnfollowed();
    await inBatches([...this.mirrors.values()], (mirror) => this.bringUp(mirror));
  }

  private agree(): void {
    this.outbox.forgetDelivered();
    for (const mirror of this.mirrors.values()) this.comeBack(mirror);
  }

  /** Redis knows more of them than this process: they need no catching up. */
  private forgetUnfollowed(): void {
    for (const { log } of this.mirrors.values()) {
      if (!this.history.owner.isNeeded(log)) this.history.forget(log);
    }
  }

  private async bringUp(mirror: Mirror): Promise<void> {
    if (mirror.state === 'live') await this.catchUp.fill(mirror);
    if (mirror.state === 'alone') await this.catchUp.fillAlone(mirror);
  }

  private comeBack(mirror: Mirror): void {
    if (mirror.state !== 'alone' || mirror.remote === null) return;
    const { epoch, offset } = mirror.remote;
    this.history.restart(mirror.log, epoch, offset);
    mirror.state = 'live';
    mirror.remote = null;
    this.listener.onReposition(mirror.log, 'recovered', mirror.lost);
    this.takeHeld(mirror);
  }

  // ── bookkeeping ────────────────────────────────────────────────────────────────────────────────────────────────

  private mirror(topic: string, state: 'loading' | 'live'): Mirror {
    const log = this.history.create(topic, '', this.nowMs());
    const mirror = new Mirror(log, state);
    this.mirrors.set(topic, mirror);
    return mirror;
  }
}
