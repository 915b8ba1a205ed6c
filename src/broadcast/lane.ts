import { type DeflateStats, encode, type Outgoing } from './encode.js';
import type { Job, Walk } from './job.js';
import { isLeftOut } from './overlap.js';
import type { Publication } from './publication.js';
import type { Encoding } from './receiver.js';
import type { Subscription, SubscriptionOptions } from './subscription.js';

/** What lanes need of the hub. */
export interface LaneHost extends DeflateStats {
  /** Asks for {@link Lane.seal} at the next flush. */
  markDirty(lane: Lane): void;
  /** Hands over bytes ahead of the next flush, in order. */
  submit(job: Job): void;
  /** Messages that are due, all receivers together; delivered or not. */
  demanded(messages: number): void;
  /** Publications that a policy left out, all receivers together. */
  skipped(count: number): void;
  shed(what: Shed, count: number): void;
  /** What a policy did with one subscription, for whoever looks on. */
  decided(subscription: Subscription, decision: Decision, messages: number): void;
}

/**
 * What was given up because a limit was reached. `delta_base`: the next message goes out whole. `held_key`: a slow
 * client’s next message names it as skipped. `pause`: messages went out before their interval was over. `family_topic`:
 * left out of the answer to a subscription. `missed`, `snapshot`: too much for one answer.
 */
export type Shed = 'delta_base' | 'held_key' | 'pause' | 'family_topic' | 'missed' | 'snapshot';

/** What the next patch of a topic applies to: a publication's own value lasts only until the next one. */
type Base = Pick<Publication, 'offset' | 'data'>;

/** Topics of a family whose last message a lane keeps for the next patch. */
const maxBasesOfLane = 10_000;

/** `held`: too slow, gets the newest later. `caught_up`: has got it, with so many left out. `closed`: policy `all`. */
export type Decision = 'held' | 'caught_up' | 'closed';

/** Subscriptions that get the same bytes: the same topic or family, policy, options and encoding. */
export abstract class Lane {
  dirty = false;
  /** Publications that a receiver that was in step all the time did not get. */
  skippedInStep = 0;
  private readonly list: Subscription[] = [];
  /** Beside {@link list}, dense: what a fan-out reads of a subscription in step. */
  private readonly slots: number[] = [];
  /** Jobs that walk the list: until they have ended nothing in it changes its place. */
  private walkers = 0;
  /** Subscriptions in the list that have ended. */
  private ended = 0;
  /** Delta: the last message that went out, by topic; a topic that is not there goes out whole. */
  protected readonly bases = new Map<string, Base>();

  constructor(
    protected readonly host: LaneHost,
    /** The topic, or family with its trailing `*`. */
    readonly name: string,
    readonly encoding: Encoding,
    readonly options: SubscriptionOptions,
    private readonly maxBases = maxBasesOfLane,
  ) {}

  static key(options: SubscriptionOptions, encoding: Encoding): string {
    return `${options.policy}|${options.everyMs}|${options.delta}|${encoding}|${options.key ?? ''}`;
  }

  get size(): number {
    return this.list.length - this.ended;
  }

  /** Takes one publication for the next flush that its policy allows. */
  abstract accept(publication: Publication): void;

  /** Turns what has gathered, and may go out now, into jobs. */
  abstract seal(): void;

  /** Turns all that has gathered into jobs, whatever the policy says of time. */
  protected abstract sealAll(): void;

  /** The positions of a topic go on at another offset. */
  protected abstract moveTo(topic: string): void;

  /** The receiver of this subscription caught up: give it what it missed meanwhile. */
  abstract onDrained(subscription: Subscription): void;

  /**
   * Gives one subscription all that has been published, now: another one takes over some of its topics, or it takes them
   * over.
   * @param bring gives it what is on its way already
   */
  abstract settle(subscription: Subscription, bring: () => void): void;

  /** Stops timers; the lane has no subscription any more. */
  abstract dispose(): void;

  /** Tells every subscription, in its place among the messages, that the positions of a topic go on elsewhere. */
  announce(notice: Outgoing): void {
    this.sealAll();
    this.moveTo(notice.topic);
    const outgoing = [notice];
    const bytes = encode(outgoing, this.encoding, this.host);
    this.host.demanded(this.size);
    this.host.submit({
      lane: this,
      bytes,
      outgoing,
      to: this.lend(),
      served: null,
      dueMs: Date.now(),
      serve: (subscription) => {
        if (!isLeftOut(subscription, notice.topic)) subscription.receiver.deliver(bytes, 1, outgoing);
      },
      onBlocked: null,
    });
  }

  /** Keeps the message that the next patch of its topic applies to. @returns the one before */
  protected rebase({ topic, offset, data }: Publication): Base | undefined {
    const before = this.bases.get(topic);
    // Taken out first: the map is in the order of use.
    if (before !== undefined) this.bases.delete(topic);
    else if (this.bases.size >= this.maxBases) {
      this.bases.delete(this.bases.keys().next().value!);
      this.host.shed('delta_base', 1);
    }
    this.bases.set(topic, { offset, data });
    return before;
  }

  /** A message for all of them could not be made: nobody is to miss it without a word. */
  breakOff(): void {
    this.bases.clear();
    for (const { active, receiver } of [...this.list]) if (active) receiver.breakOff();
  }

  add(subscription: Subscription): void {
    // Its first message is to be whole: it may not have the one that a patch would apply to.
    this.bases.clear();
    subscription.index = this.list.length;
    this.list.push(subscription);
    this.slots.push(slotOf(subscription));
  }

  remove(subscription: Subscription): void {
    if (!subscription.active) return;
    subscription.active = false;
    this.slots[subscription.index] = -1;
    this.ended++;
    if (this.walkers === 0) this.fill(subscription.index);
  }

  /** What decides how a subscription is served has changed. */
  refresh(subscription: Subscription): void {
    if (subscription.active) this.slots[subscription.index] = slotOf(subscription);
  }

  /** A job has been carried to everyone. */
  giveBack(): void {
    this.walkers--;
    if (this.walkers > 0 || this.ended === 0) return;
    for (let i = this.list.length - 1; i >= 0; i--) if (!this.list[i]!.active) this.fill(i);
  }

  /** The list for a job to walk. */
  protected lend(): Walk {
    this.walkers++;
    const { list, slots, size } = this;
    return { list, slots, end: list.length, size };
  }

  /** Puts the last subscription in the place of one that has ended. */
  private fill(index: number): void {
    const last = this.list.pop()!;
    const slot = this.slots.pop()!;
    this.ended--;
    if (index === this.list.length) return;
    this.list[index] = last;
    this.slots[index] = slot;
    last.index = index;
  }
}

/** Bytes of the lane can be written to a subscription as they are when it is in step and has no part of them twice. */
const slotOf = ({ active, apart, overlaps, receiver }: Subscription): number =>
  active && !apart && overlaps === 0 ? receiver.slot : -1;
