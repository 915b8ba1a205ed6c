import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { type Position, Publication } from '../publication.js';
import type { LossReason, TopicLog } from '../topic-log.js';
import { Broker, type BrokerListener, type BrokerState, type Message, type Published } from './broker.js';
import { Epochs, History, type HistoryOptions } from './history.js';
import { Mirror } from './mirror.js';
import { Outbox, type Outgoing } from './outbox.js';
import { namespaceOf, RedisKeys, shardCount } from './redis-keys.js';
import { RedisLink, type StreamEntry } from './redis-link.js';
import { type Line, readAnnouncement } from './redis-scripts.js';

/** Messages that may wait for Redis while it is away. */
const maxQueued = 100_000;
/** How long a hole in the offsets may be the network's doing before it is looked up, ms. */
const holeMs = 50;
/** How often the positions of followed topics are compared with Redis, ms. */
const auditMs = 5_000;
const auditTopics = 1_000;
/** How long to wait before another attempt to come back, ms. */
const restMs = 500;

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
  state: BrokerState = 'degraded';
  readonly history: History;
  private readonly mirrors = new Map<string, Mirror>();
  private readonly keys: RedisKeys;
  private readonly link: RedisLink;
  private readonly outbox: Outbox;
  private readonly epochs = new Epochs();
  private listener!: BrokerListener;
  /** Counts attempts to recover, so that one that was overtaken ends. */
  private attempt = 0;
  private recovering = false;
  private wasUp = false;
  private awaySinceMs = 0;
  private timers: NodeJS.Timeout[] = [];
  private stopped = false;

  constructor(
    url: string,
    options: HistoryOptions,
    private readonly events: BrokerEvents,
    private readonly nowMs: () => number = Date.now,
  ) {
    super();
    this.history = new History(options);
    this.keys = new RedisKeys(namespaceOf(url));
    const channels = Array.from({ length: shardCount }, (_, shard) => this.keys.channel(shard));
    this.link = new RedisLink(url, channels, {
      onAnnouncement: (text) => this.onAnnouncement(text),
      onUp: () => void this.recover(),
      onDown: (reason) => this.degrade(reason),
    });
    this.outbox = new Outbox(
      this.keys,
      this.link,
      { maxQueued, historyMessages: options.maxMessages, historyTtlMs: options.maxAgeMs },
      {
        published: (entry, position) => this.onPublished(entry, position),
        failed: (error) => this.onCommandFailed(error),
      },
    );
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

  override async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    this.awaySinceMs = this.nowMs();
    const sweepMs = Math.min(this.history.options.maxAgeMs, 30_000);
    this.timers = [
      setInterval(() => this.sweep(), sweepMs).unref(),
      setInterval(() => void this.audit(), auditMs).unref(),
    ];
    await this.link.start();
    const until = this.nowMs() + 1_000;
    while (this.link.isUp && this.state === 'degraded' && this.nowMs() < until) await pause(5);
  }

  override stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    this.link.stop();
    return Promise.resolve();
  }

  // ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────

  override publish(messages: readonly Message[]): readonly Published[] | Promise<readonly Published[]> {
    const tsMs = this.nowMs();
    const alone = this.state === 'degraded' && !this.recovering;
    const answers = messages.map(({ topic, data, json }) => {
      const body = json ?? JSON.stringify(data) ?? 'null';
      return alone ? this.publishAlone(topic, body, tsMs) : this.publishToAll(topic, body, tsMs);
    });
    return alone ? (answers as Published[]) : Promise.all(answers);
  }

  private publishToAll(topic: string, body: string, tsMs: number): Promise<Published> {
    return new Promise((resolve) => {
      const done = (position: Position) => resolve({ topic, ...position });
      this.outbox.push({ topic, body, tsMs, delivered: false, done });
    });
  }

  private publishAlone(topic: string, body: string, tsMs: number): Published {
    const position = this.deliverAlone(topic, body, tsMs);
    this.outbox.push({ topic, body, tsMs, delivered: true, done: () => {} });
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
      // A new topic of a followed family: it begins here.
      mirror = this.mirror(line.topic, 'live');
      this.history.restart(mirror.log, line.epoch, line.offset - 1);
      this.listener.onReposition(mirror.log, 'begun', 0);
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
    const publication = Publication.fromJson(log.name, log.prefix, offset, tsMs, body, lostFrom);
    this.history.append(log, publication, this.listener.isFollowed(log.name));
    this.listener.onPublication(log, publication);
  }

  // ── looking up ─────────────────────────────────────────────────────────────────────────────────────────────────

  override get(topic: string): TopicLog | undefined {
    return this.mirrors.get(topic)?.log;
  }

  override logs(): Iterable<TopicLog> {
    return this.history.values();
  }

  override open(topic: string): TopicLog | Promise<TopicLog> {
    const mirror = this.mirrors.get(topic) ?? this.mirror(topic, 'loading');
    if (mirror.state !== 'loading') return mirror.log;
    mirror.loading ??= this.load(mirror);
    return mirror.loading;
  }

  override async openFamily(family: string): Promise<void> {
    if (!this.link.isUp) return;
    const prefix = family.slice(0, -1);
    const shards = Array.from({ length: shardCount }, (_, shard) =>
      this.link.redis.smembers(this.keys.topics(shard)),
    );
    const topics = (await Promise.all(shards)).flat().filter((topic) => topic.startsWith(prefix));
    await Promise.all(topics.slice(0, this.history.options.maxTopics).map((topic) => this.open(topic)));
  }

  private async load(mirror: Mirror): Promise<TopicLog> {
    const { log } = mirror;
    try {
      const [epoch, offset, tsMs, body] = await this.link.redis.tidewatchOpen(
        3,
        this.keys.meta(log.name),
        this.keys.history(log.name),
        this.keys.topics(this.keys.shardOf(log.name)),
        `${this.outbox.origin}.${this.epochs.next()}`,
        log.name,
      );
      if (mirror.state === 'loading') {
        this.history.restart(log, epoch, Number(offset));
        if (body !== '') {
          log.last = Publication.fromJson(log.name, log.prefix, log.offset, Number(tsMs), body);
        }
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
    // The client may come from a node that is a moment ahead of this one.
    const mirror = this.mirrors.get(log.name);
    if (
      mirror !== undefined &&
      mirror.state === 'live' &&
      since.epoch === log.epoch &&
      since.offset > log.offset
    ) {
      await this.fill(mirror);
    }
    const missed = log.after(since);
    if (typeof missed !== 'string') return undefined;
    if (missed !== 'history_lost' || mirror?.state !== 'live') return missed;
    log.retained = true;
    log.lastFollowedMs = this.nowMs();
    const to = (log.oldest ?? log.offset + 1) - 1;
    if (mirror.reaching === null || mirror.reaching.from > since.offset) {
      const done = this.readOlder(mirror, since.offset, to).finally(() => {
        mirror.reaching = null;
      });
      mirror.reaching = { from: since.offset, done };
    }
    await mirror.reaching.done;
    const now = log.after(since);
    return typeof now === 'string' ? now : undefined;
  }

  private async readOlder({ log }: Mirror, from: number, to: number): Promise<void> {
    const epoch = log.epoch;
    const older = await this.readHistory(log.name, from + 1, to).catch((error: unknown) => {
      this.onCommandFailed(error);
      return [];
    });
    const first = older[0]?.offset;
    if (log.epoch !== epoch || first === undefined || older.at(-1)!.offset !== to) return;
    if (log.oldest !== null && log.oldest !== to + 1) return;
    this.history.prepend(
      log,
      older.map((line) => Publication.fromJson(log.name, log.prefix, line.offset, line.tsMs, line.body)),
    );
  }

  private async readHistory(topic: string, from: number, to: number | '+'): Promise<RememberedLine[]> {
    const last = to === '+' ? '+' : `${to}-0`;
    const entries = (await this.link.redis.xrange(
      this.keys.history(topic),
      `${from}-0`,
      last,
    )) as StreamEntry[];
    return entries.map(readEntry);
  }

  // ── holes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private fillLater(mirror: Mirror): void {
    mirror.filling ??= setTimeout(() => {
      mirror.filling = null;
      if (mirror.held.length > 0)
        void this.fill(mirror).catch((error: unknown) => this.onCommandFailed(error));
    }, holeMs);
  }

  /** Brings a live topic to where Redis stands, and names what Redis does not have any more. */
  private async fill(mirror: Mirror): Promise<void> {
    const { log } = mirror;
    const { epoch } = log;
    const [[nowEpoch, nowOffset, time, body], lines] = await Promise.all([
      this.link.redis.hmget(this.keys.meta(log.name), 'e', 'o', 't', 'b'),
      this.readHistory(log.name, log.offset + 1, '+'),
    ]);
    if (mirror.state !== 'live' || log.epoch !== epoch || nowEpoch == null) return;
    const reached = Number(nowOffset);
    if (nowEpoch === epoch && reached < log.offset) {
      const renewed = await this.link.redis.tidewatchRenew(
        2,
        this.keys.meta(log.name),
        this.keys.history(log.name),
        epoch,
        `${this.outbox.origin}.${this.epochs.next()}`,
        log.offset,
      );
      if (log.epoch === epoch && renewed !== epoch) {
        this.restarted(mirror, { epoch: renewed, offset: reached });
      }
      return;
    }
    if (nowEpoch !== epoch) {
      const fresh = await this.readHistory(log.name, 1, '+');
      if (mirror.state !== 'live' || log.epoch !== epoch) return;
      this.restarted(mirror, { epoch: nowEpoch, offset: (fresh[0]?.offset ?? reached + 1) - 1 });
      lines.splice(0, lines.length, ...fresh);
    }
    const take = (offset: number, tsMs: number, text: string): void => {
      if (offset <= log.offset) return;
      this.append(log, offset, tsMs, text, offset === log.offset + 1 ? null : log.offset + 1);
    };
    for (const line of lines) take(line.offset, line.tsMs, line.body);
    // The history is gone: the newest message is still known, and says what is lost before it.
    if (body != null) take(reached, Number(time), body);
    mirror.held = mirror.held.filter((line) => line.epoch === log.epoch);
    this.takeHeld(mirror);
  }

  /** The last message of a topic may be the one that was not heard: positions are compared now and then. */
  private async audit(): Promise<void> {
    if (this.state !== 'ok') return;
    const followed = [...this.mirrors.values()].filter(
      (mirror) => mirror.state === 'live' && this.listener.isFollowed(mirror.log.name),
    );
    // A different part each time where there are more than one round can take.
    const from = followed.length <= auditTopics ? 0 : Math.floor(Math.random() * followed.length);
    try {
      await Promise.all(
        [...followed.slice(from), ...followed.slice(0, from)].slice(0, auditTopics).map(async (mirror) => {
          const offset = await this.link.redis.hget(this.keys.meta(mirror.log.name), 'o');
          if (Number(offset) > mirror.log.offset) {
            await pause(holeMs);
            if (Number(offset) > mirror.log.offset) await this.fill(mirror);
          }
        }),
      );
    } catch (error) {
      this.onCommandFailed(error);
    }
  }

  // ── Redis away and back ────────────────────────────────────────────────────────────────────────────────────────

  private onCommandFailed(error: unknown): void {
    if (this.stopped) return;
    this.degrade(error instanceof Error ? error.message : String(error));
    this.link.reset();
  }

  private degrade(reason: string): void {
    this.attempt++;
    this.recovering = false;
    if (this.stopped) return;
    if (this.state === 'ok') {
      this.state = 'degraded';
      this.awaySinceMs = this.nowMs();
      this.events.degraded(reason);
    }
    for (const entry of this.outbox.undelivered()) {
      entry.delivered = true;
      entry.done(this.deliverAlone(entry.topic, entry.body, entry.tsMs));
    }
    // A Redis that answers with an error does not make the link go down and up.
    setTimeout(() => void this.recover(), restMs).unref();
  }

  private async recover(): Promise<void> {
    if (this.recovering || this.stopped || this.state === 'ok' || !this.link.isUp) return;
    this.recovering = true;
    const attempt = ++this.attempt;
    const { dropped } = this.outbox;
    try {
      // From here on messages wait for Redis again: what clients here have already is a fixed set.
      await this.outbox.resend();
      await Promise.all([...this.mirrors.values()].map((mirror) => this.catchUp(mirror)));
    } catch (error) {
      if (attempt === this.attempt) this.degrade(error instanceof Error ? error.message : String(error));
      return;
    }
    if (attempt !== this.attempt) return;
    this.recovering = false;
    this.state = 'ok';
    this.outbox.forgetDelivered();
    for (const mirror of this.mirrors.values()) this.comeBack(mirror);
    if (this.wasUp) this.events.recovered(this.nowMs() - this.awaySinceMs, dropped);
    this.wasUp = true;
  }

  private async catchUp(mirror: Mirror): Promise<void> {
    if (mirror.state === 'live') await this.fill(mirror);
    if (mirror.state === 'alone') await this.catchUpAlone(mirror);
  }

  /** Delivers, still under the local epoch, what the other nodes have published meanwhile. */
  private async catchUpAlone(mirror: Mirror): Promise<void> {
    const { log, remote } = mirror;
    const [epoch, offset] = await this.link.redis.tidewatchOpen(
      3,
      this.keys.meta(log.name),
      this.keys.history(log.name),
      this.keys.topics(this.keys.shardOf(log.name)),
      `${this.outbox.origin}.${this.epochs.next()}`,
      log.name,
    );
    // In a new epoch everything is new; where Redis was never heard before, nothing was missed.
    const from = remote === null ? null : remote.epoch === epoch ? remote.offset + 1 : 1;
    const lines = from === null ? [] : await this.readHistory(log.name, from, '+');
    const first = lines[0]?.offset ?? Number(offset) + 1;
    mirror.lost = from === null || remote?.epoch !== epoch ? null : first - from;
    for (const line of lines) {
      if (this.outbox.wasDelivered(log.name, line.origin, line.number)) continue;
      this.append(log, log.offset + 1, line.tsMs, line.body, null);
    }
    mirror.remote = { epoch, offset: lines.at(-1)?.offset ?? Number(offset) };
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

  private sweep(): void {
    this.history.sweep(this.nowMs(), (topic) => this.listener.isFollowed(topic), true);
    for (const [topic, { log }] of this.mirrors) {
      if (this.history.get(topic) !== log) this.mirrors.delete(topic);
    }
  }
}

interface RememberedLine {
  readonly offset: number;
  readonly tsMs: number;
  readonly body: string;
  readonly origin: string;
  readonly number: number;
}

function readEntry([id, fields]: StreamEntry): RememberedLine {
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) values.set(fields[i]!, fields[i + 1]!);
  return {
    offset: Number(id.slice(0, id.indexOf('-'))),
    tsMs: Number(values.get('t')),
    body: values.get('b') ?? 'null',
    origin: values.get('g') ?? '',
    number: Number(values.get('n')),
  };
}
