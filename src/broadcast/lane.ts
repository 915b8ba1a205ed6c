import { type DeflateStats, encode, type Outgoing } from './encode.js';
import type { Job } from './job.js';
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
  /** What a policy did with one subscription, for whoever looks on. */
  decided(subscription: Subscription, decision: Decision, messages: number): void;
}

/** `held`: too slow, gets the newest later. `caught_up`: has got it, with so many left out. `closed`: policy `all`. */
export type Decision = 'held' | 'caught_up' | 'closed';

/** Subscriptions that get the same bytes: the same topic or family, policy, options and encoding. */
export abstract class Lane {
  dirty = false;
  /** Publications that a receiver that was in step all the time did not get. */
  skippedInStep = 0;
  protected list: Subscription[] = [];
  /** Whether a job still walks {@link list}. */
  private lent = false;

  constructor(
    protected readonly host: LaneHost,
    /** The topic, or family with its trailing `*`. */
    readonly name: string,
    readonly encoding: Encoding,
    readonly options: SubscriptionOptions,
  ) {}

  static key(options: SubscriptionOptions, encoding: Encoding): string {
    return `${options.policy}|${options.everyMs}|${options.delta}|${encoding}|${options.key ?? ''}`;
  }

  get size(): number {
    return this.list.length;
  }

  /** Takes one publication for the next flush that its policy allows. */
  abstract accept(publication: Publication): void;

  /** Turns what has gathered, and may go out now, into jobs. */
  abstract seal(): void;

  /** Turns all that has gathered into jobs, whatever the policy says of time. */
  protected abstract sealAll(): void;

  /** The positions of a topic go on at another offset. */
  protected abstract moveTo(topic: string, offset: number): void;

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
    this.moveTo(notice.topic, notice.offset);
    const outgoing = [notice];
    const bytes = encode(outgoing, this.encoding, this.host);
    this.host.demanded(this.size);
    this.host.submit({
      lane: this,
      bytes,
      outgoing,
      subscriptions: this.lend(),
      dueMs: Date.now(),
      serve: (subscription) => {
        if (!isLeftOut(subscription, notice.topic)) subscription.receiver.deliver(bytes, 1, outgoing);
      },
      onBlocked: null,
    });
  }

  add(subscription: Subscription): void {
    this.unshare();
    subscription.index = this.list.length;
    this.list.push(subscription);
  }

  remove(subscription: Subscription): void {
    if (!subscription.active) return;
    subscription.active = false;
    this.unshare();
    const last = this.list.pop()!;
    if (last !== subscription) {
      this.list[subscription.index] = last;
      last.index = subscription.index;
    }
  }

  /** The list for a job to walk. */
  protected lend(): readonly Subscription[] {
    this.lent = true;
    return this.list;
  }

  private unshare(): void {
    if (!this.lent) return;
    this.list = this.list.slice();
    this.lent = false;
  }
}
