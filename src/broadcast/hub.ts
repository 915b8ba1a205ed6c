import { Audience } from './audience.js';
import type { Broker, BrokerListener, Message, Published, RepositionReason } from './broker/broker.js';
import { ConflateLane } from './conflate-lane.js';
import { encode } from './encode.js';
import { FanOut } from './fan-out.js';
import type { Job } from './job.js';
import type { Joined, Present } from './joined.js';
import { type Decision, Lane, type LaneHost, type Shed } from './lane.js';
import { LiveLane } from './live-lane.js';
import { isWithin } from './overlap.js';
import { repositionedText } from './protocol/messages.js';
import { familiesOf } from './protocol/topics.js';
import type { Position, Publication } from './publication.js';
import type { Receiver } from './receiver.js';
import { type Asked, Snapshots } from './snapshots.js';
import { Subscription, type SubscriptionOptions } from './subscription.js';
import { Taps } from './taps.js';
import type { LossReason, TopicLog } from './topic-log.js';

/** When what was published is written. */
export interface FlushOptions {
  /** Longest time that messages are gathered while the hub is busy, ms. */
  readonly windowMs: number;
  /** Messages that end the gathering early. */
  readonly maxMessages: number;
}

/** What the hub did, for metrics and the live tap. */
export interface HubStats {
  published(publication: Publication): void;
  /** Messages times subscribers, as soon as they are due: what waits in a lane is asked for already. */
  demanded(messages: number): void;
  delivered(job: Job): void;
  deflated(bytesIn: number, bytesOut: number): void;
  skipped(count: number): void;
  /** Something was given up because a limit was reached. */
  shed(what: Shed, count: number): void;
  publishFailed(error: unknown): void;
}

/** Share of the window that writing may take before messages are gathered for the rest of it. */
const busyShare = 0.8;
const noPosition = 'no_position';
/** Topics whose audiences are remembered; beyond, all are looked up again. */
const maxReach = 100_000;

/**
 * Who is connected to this process and which topics they follow. A publication is encoded once per lane, gathered with
 * others of the same turn of the event loop, and written once per receiver. An idle hub has no timer; a lone message
 * goes out in the same turn. Only when writing takes most of the window are messages gathered up to its end.
 */
export class Hub implements BrokerListener, LaneHost {
  private readonly audiences = new Map<string, Audience>();
  /** Audiences of a known topic: its own and its families'. */
  private readonly reach = new Map<string, readonly Audience[]>();
  private readonly fanOut: FanOut;
  private dirty: Lane[] = [];
  private gathered = 0;
  /** Messages times subscribers that {@link HubStats.demanded} has not been told of. */
  private due = 0;
  private scheduled: NodeJS.Immediate | NodeJS.Timeout | null = null;
  private waiting = false;
  private windowStartMs = 0;
  private sealing = false;
  currentValue: (topic: string) => Present = () => ({ reason: 'nothing_published' });
  /** Told of a topic before somebody subscribes to it: what is gathered of it can be published first. */
  onSubscribing: (topic: string) => void = () => {};
  /** Told of a topic or family that somebody follows from now on, after those who did before have gone. */
  onFollowed: (name: string) => void = () => {};
  readonly taps = new Taps();

  constructor(
    readonly broker: Broker,
    private readonly flushing: FlushOptions,
    private readonly stats: HubStats,
    nowMs: () => number = () => performance.now(),
    private readonly maxRemembered = maxReach,
  ) {
    this.fanOut = new FanOut(
      {
        delivered: (job) => {
          this.reportDemand();
          stats.delivered(job);
          if (this.taps.size > 0) this.taps.delivered(job);
        },
      },
      () => this.afterRound(),
      nowMs,
    );
  }

  start(): Promise<void> {
    return this.broker.start(this);
  }

  // ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Publishes without waiting for where it landed; a failure is counted. */
  publish(topic: string, data: unknown): void {
    try {
      const result = this.broker.publish([{ topic, data }]);
      if (result instanceof Promise) result.catch((error: unknown) => this.stats.publishFailed(error));
    } catch (error) {
      this.stats.publishFailed(error);
    }
  }

  /** Passes a message over that could reach nobody. @returns whether it did; otherwise it is to be published */
  passOver(topic: string): boolean {
    return !this.taps.watch(topic) && this.broker.passOver(topic);
  }

  /** Publishes in order. @returns where each landed */
  async publishAll(messages: readonly Message[]): Promise<readonly Published[]> {
    return this.broker.publish(messages);
  }

  onPublication(log: TopicLog, publication: Publication): void {
    for (const audience of this.audiencesOf(log.name)) {
      for (const lane of audience.list) {
        try {
          lane.accept(publication);
        } catch (error) {
          this.failed(lane, error);
        }
      }
    }
    this.gathered++;
    this.stats.published(publication);
    if (this.taps.size > 0) this.taps.published(publication, this.audiencesOf(log.name));
    if (this.waiting && this.gathered >= this.flushing.maxMessages) this.scheduleNow();
  }

  isFollowed(topic: string): boolean {
    return this.audiencesOf(topic).length > 0;
  }

  onReposition(log: TopicLog, reason: RepositionReason, lost: number | null): void {
    const { epoch, offset } = log;
    const notice = { topic: log.name, epoch, offset, text: repositionedText(log, reason, lost) };
    for (const audience of this.audiencesOf(log.name)) {
      for (const lane of audience.list) lane.announce(notice);
    }
  }

  // ── subscribing ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Subscribes to one topic. What is missed between `since` and now is in the answer; everything later arrives through
   * the subscription: nothing is lost or doubled between the two, whatever the broker takes its time for.
   * @param onJoined called in the same instant in which the subscription begins
   */
  async subscribe(
    receiver: Receiver,
    topic: string,
    options: SubscriptionOptions,
    since: Position | null,
    onJoined: (joined: Joined, subscription: Subscription) => void,
  ): Promise<void> {
    this.onSubscribing(topic);
    const opened = this.broker.open(topic);
    const log = opened instanceof Promise ? await opened : opened;
    let lost: LossReason | undefined = since === null ? noPosition : undefined;
    if (since !== null) {
      const reached = this.broker.reach(log, since);
      lost = reached instanceof Promise ? await reached : reached;
    }
    if (!receiver.isOpen) return;
    const asked = { log, oneOfMany: false };
    const snapshots = new Snapshots(this.currentValue).gather([asked]);
    const subscription = this.join(receiver, topic, options);
    this.answer(subscription, () => onJoined(this.joined(asked, since, lost, snapshots), subscription));
  }

  /**
   * Subscribes to every topic below a family, present and future.
   * @param onJoined told of as many as an answer may name, those of `since` first, and how many there are beyond
   */
  async subscribeFamily(
    receiver: Receiver,
    family: string,
    options: SubscriptionOptions,
    since: ReadonlyMap<string, Position>,
    onJoined: (joined: readonly Joined[], beyond: number) => void,
  ): Promise<void> {
    const known = this.broker.openFamily(family);
    let beyond = known instanceof Promise ? await known : known;
    const lost = new Map<string, LossReason | undefined>();
    for (const [topic, position] of since) {
      // A topic that is not known any more begins anew, and its client is told so.
      const opened = this.broker.open(topic);
      const log = opened instanceof Promise ? await opened : opened;
      const reached = this.broker.reach(log, position);
      lost.set(topic, reached instanceof Promise ? await reached : reached);
    }
    if (!receiver.isOpen) return;
    const snapshots = new Snapshots(this.currentValue).gather(this.askedOf(family, since).all);
    const subscription = this.join(receiver, family, options);
    this.answer(subscription, () => {
      // Again: asking may have begun topics.
      const asked = this.askedOf(family, since);
      beyond += asked.beyond;
      if (beyond > 0) this.shed('family_topic', beyond);
      const joined = asked.all.map((topic) => {
        const { name } = topic.log;
        const position = since.get(name) ?? null;
        return this.joined(topic, position, position === null ? noPosition : lost.get(name), snapshots);
      });
      onJoined(joined, beyond);
    });
  }

  /** Ends a subscription. A wider one of the same receiver takes its topics over where it ends. */
  unsubscribe(subscription: Subscription): void {
    if (!subscription.active) return;
    const { receiver, topic } = subscription;
    const wider = receiver.subscriptions.filter((other) => isWithin(topic, other.topic));
    if (wider.length > 0) this.settle(subscription);
    for (const other of wider) {
      this.settle(other);
      other.overlaps--;
      other.lane.refresh(other);
    }
    this.remove(subscription);
  }

  private remove(subscription: Subscription): void {
    const { receiver, lane, topic } = subscription;
    lane.remove(subscription);
    const at = receiver.subscriptions.indexOf(subscription);
    if (at >= 0) receiver.subscriptions.splice(at, 1);
    if (lane.size > 0) return;
    lane.dispose();
    const audience = this.audiences.get(topic);
    audience?.delete(Lane.key(lane.options, lane.encoding));
    if (audience === undefined || audience.list.length > 0) return;
    this.audiences.delete(topic);
    this.forgetReach(topic);
  }

  /** Ends every subscription of a receiver that is gone. */
  leave(receiver: Receiver): void {
    while (receiver.subscriptions.length > 0) {
      this.remove(receiver.subscriptions[receiver.subscriptions.length - 1]!);
    }
  }

  /** A receiver has written all it had queued: subscriptions that were too slow get their newest. */
  onDrained(receiver: Receiver): void {
    for (const subscription of receiver.subscriptions) {
      if (subscription.apart) subscription.lane.onDrained(subscription);
    }
  }

  /** Sends missed messages, ahead of everything that the subscription brings. */
  deliverMissed(publications: readonly Publication[], receiver: Receiver): void {
    if (publications.length === 0) return;
    const outgoing = publications.map((publication) => ({
      topic: publication.topic,
      offset: publication.offset,
      text: publication.text(),
    }));
    receiver.deliver(encode(outgoing, receiver.encoding, this), outgoing.length, outgoing);
  }

  /** Subscriptions of a topic, families included. */
  subscribers(topic: string): number {
    return this.audiencesOf(topic).reduce((total, audience) => total + audience.size, 0);
  }

  /** True while something that was published has not been offered to every socket. */
  get busy(): boolean {
    return this.dirty.length > 0 || this.fanOut.busy || this.fanOut.queued > 0;
  }

  get topics(): number {
    return this.audiences.size;
  }

  /** Topics whose audiences need no looking up. */
  get remembered(): number {
    return this.reach.size;
  }

  // ── flushing ───────────────────────────────────────────────────────────────────────────────────────────────────

  markDirty(lane: Lane): void {
    lane.dirty = true;
    this.dirty.push(lane);
    this.schedule();
  }

  submit(job: Job): void {
    this.fanOut.add(job);
    this.schedule();
  }

  /** Told once per flush: a busy publisher would have it counted a thousand times. */
  demanded(messages: number): void {
    this.due += messages;
  }

  private reportDemand(): void {
    if (this.due === 0) return;
    this.stats.demanded(this.due);
    this.due = 0;
  }

  deflated(bytesIn: number, bytesOut: number): void {
    this.stats.deflated(bytesIn, bytesOut);
  }

  skipped(count: number): void {
    this.stats.skipped(count);
  }

  shed(what: Shed, count: number): void {
    this.stats.shed(what, count);
  }

  decided(subscription: Subscription, decision: Decision, messages: number): void {
    if (this.taps.size > 0) this.taps.decided(subscription, decision, messages);
  }

  /** What is wrong with a message for some must not keep it from the others, nor from the history. */
  private failed(lane: Lane, error: unknown): void {
    this.stats.publishFailed(error);
    lane.breakOff();
  }

  /** A receiver with policy `all` was too slow and is being closed. */
  onSlow(receiver: Receiver): void {
    for (const subscription of receiver.subscriptions) this.decided(subscription, 'closed', 0);
  }

  /** Everything that is gathered, written as far as the slice goes. */
  flush(): void {
    this.scheduled = null;
    this.waiting = false;
    this.reportDemand();
    if (this.fanOut.busy) return;
    this.gathered = 0;
    const lanes = this.dirty;
    this.dirty = [];
    this.sealing = true;
    for (const lane of lanes) {
      try {
        lane.seal();
      } catch (error) {
        this.failed(lane, error);
      }
    }
    this.sealing = false;
    this.fanOut.run();
  }

  private schedule(): void {
    if (this.scheduled !== null || this.sealing || this.fanOut.busy) return;
    const now = performance.now();
    const { windowMs } = this.flushing;
    if (now - this.windowStartMs >= windowMs) {
      this.windowStartMs = now;
      this.fanOut.spentMs = 0;
    }
    if (this.fanOut.spentMs < windowMs * busyShare || this.gathered >= this.flushing.maxMessages) {
      this.scheduleNow();
      return;
    }
    this.waiting = true;
    this.scheduled = setTimeout(() => this.flush(), this.windowStartMs + windowMs - now);
  }

  private scheduleNow(): void {
    this.unschedule();
    this.scheduled = setImmediate(() => this.flush());
  }

  private unschedule(): void {
    if (this.scheduled === null) return;
    if (this.waiting) clearTimeout(this.scheduled as NodeJS.Timeout);
    else clearImmediate(this.scheduled as NodeJS.Immediate);
    this.waiting = false;
    this.scheduled = null;
  }

  private afterRound(): void {
    if (this.dirty.length > 0 || this.fanOut.queued > 0) this.schedule();
  }

  // ── audiences ──────────────────────────────────────────────────────────────────────────────────────────────────

  private audiencesOf(topic: string): readonly Audience[] {
    const known = this.reach.get(topic);
    if (known !== undefined) return known;
    const found: Audience[] = [];
    for (const name of [topic, ...familiesOf(topic)]) {
      const audience = this.audiences.get(name);
      if (audience !== undefined) found.push(audience);
    }
    if (this.reach.size >= this.maxRemembered) this.reach.clear();
    this.reach.set(topic, found);
    return found;
  }

  private forgetReach(name: string): void {
    if (name.endsWith('.*')) this.reach.clear();
    else this.reach.delete(name);
  }

  private join(receiver: Receiver, topic: string, options: SubscriptionOptions): Subscription {
    for (const other of receiver.subscriptions) {
      if (!isWithin(topic, other.topic)) continue;
      // From here on the narrower subscription brings these topics.
      this.settle(other);
      other.overlaps++;
      other.lane.refresh(other);
    }
    let audience = this.audiences.get(topic);
    if (audience === undefined) {
      audience = new Audience(topic);
      this.audiences.set(topic, audience);
      this.forgetReach(topic);
    }
    const key = Lane.key(options, receiver.encoding);
    let lane = audience.lanes.get(key);
    if (lane === undefined) {
      lane =
        options.policy === 'all'
          ? new LiveLane(this, topic, receiver.encoding, options)
          : new ConflateLane(this, topic, receiver.encoding, options);
      audience.add(key, lane);
    }
    const subscription = new Subscription(receiver, topic, lane);
    subscription.overlaps = receiver.subscriptions.filter((other) => isWithin(other.topic, topic)).length;
    receiver.subscriptions.push(subscription);
    lane.add(subscription);
    if (audience.size === 1) this.onFollowed(topic);
    return subscription;
  }

  private joined(
    topic: Asked,
    since: Position | null,
    lost: LossReason | undefined,
    snapshots: Snapshots,
  ): Joined {
    const { log } = topic;
    const missed = since === null ? noPosition : log.after(since);
    const complete = lost === undefined && typeof missed !== 'string';
    log.told = true;
    return {
      topic: log.name,
      position: log.position,
      recovered: complete,
      reason: complete ? undefined : typeof missed === 'string' ? missed : lost,
      missed: complete ? missed : [],
      ...snapshots.of(topic),
    };
  }

  /** The topics of a family that an answer names: those of `since`, and of the others as many as it may. */
  private askedOf(family: string, since: ReadonlyMap<string, Position>): { all: Asked[]; beyond: number } {
    const all: Asked[] = [];
    for (const topic of since.keys()) {
      const log = this.broker.get(topic);
      if (log !== undefined) all.push({ log, oneOfMany: false });
    }
    const prefix = family.slice(0, -1);
    let beyond = 0;
    for (const log of this.broker.logs()) {
      if (!log.name.startsWith(prefix) || since.has(log.name)) continue;
      if (all.length < this.broker.maxFamilyTopics) all.push({ log, oneOfMany: true });
      else beyond++;
    }
    return { all, beyond };
  }

  /** A subscription whose client has not been told of it is none. */
  private answer(subscription: Subscription, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.unsubscribe(subscription);
      throw error;
    }
  }

  private settle(subscription: Subscription): void {
    subscription.lane.settle(subscription, () => this.fanOut.bring(subscription));
  }
}
