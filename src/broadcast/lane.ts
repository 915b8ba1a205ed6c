import { encode } from './encode.js';
import type { Job } from './job.js';
import type { Publication } from './publication.js';
import type { Encoding, Receiver } from './receiver.js';
import type { Subscription, SubscriptionOptions } from './subscription.js';

/** What lanes need of the hub. */
export interface LaneHost {
  /** Asks for {@link Lane.seal} at the next flush. */
  markDirty(lane: Lane): void;
  /** Hands over bytes ahead of the next flush, in order. */
  submit(job: Job): void;
  deflated(bytesIn: number, bytesOut: number): void;
  /** Publications that a policy left out, for one receiver. */
  skipped(count: number): void;
}

/** Subscriptions that get the same bytes: the same topic or family, policy, options and encoding. */
export abstract class Lane {
  dirty = false;
  protected list: Subscription[] = [];
  /** Whether a job still walks {@link list}. */
  private lent = false;

  constructor(
    protected readonly host: LaneHost,
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

  /** Stops timers; the lane has no subscription any more. */
  abstract dispose(): void;

  /** Tells every subscription, in its place among the messages, that the positions of a topic go on elsewhere. */
  announce(text: string, topic: string, offset: number): void {
    this.sealAll();
    this.moveTo(topic, offset);
    const bytes = encode([{ text, seq: 0 }], this.encoding, this.host);
    this.host.submit({
      bytes,
      messages: 1,
      subscriptions: this.lend(),
      publishedMs: Date.now(),
      serve: ({ receiver }) => receiver.deliver(bytes, 1),
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

/** Whether a receiver gets a topic by a subscription of its own, so that its family leaves it out. */
export const hasExact = (receiver: Receiver, topic: string): boolean =>
  receiver.subscriptions.some((subscription) => subscription.topic === topic);
