import type { Lane } from './lane.js';
import type { Receiver } from './receiver.js';

export type Policy = 'all' | 'conflate';

/** What a client asked for with `subscribe`, checked and with defaults applied. */
export interface SubscriptionOptions {
  readonly policy: Policy;
  /** Least time between two deliveries of `conflate`, ms; 0 with `all`. */
  readonly everyMs: number;
  /** Top-level field of the data whose value tells apart what `conflate` keeps the newest of; `null`: the topic. */
  readonly key: string | null;
  /** Send RFC 7396 merge patches where they are smaller. */
  readonly delta: boolean;
}

/** One receiver's interest in one topic or family. Made by the hub, which keeps it in exactly one lane. */
export class Subscription {
  /** Place in the lane's list. */
  index = -1;
  active = true;
  /** Narrower subscriptions of the same receiver inside this family: they win, so that nothing arrives twice. */
  overlaps = 0;
  /** Not in step with its lane (too slow, or just joined): the lane serves it by itself. */
  apart = false;
  /** What of the lane's `skippedInStep` is not this subscription's. */
  skippedBefore = 0;

  constructor(
    readonly receiver: Receiver,
    /** Topic, or family with its trailing `*`. */
    readonly topic: string,
    readonly lane: Lane,
  ) {
    this.skippedBefore = lane.skippedInStep;
  }
}
