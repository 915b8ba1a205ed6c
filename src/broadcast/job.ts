import type { Outgoing } from './encode.js';
import type { Lane } from './lane.js';
import type { Subscription } from './subscription.js';

/** Bytes on their way to the subscriptions of one lane. */
export interface Job {
  readonly lane: Lane;
  readonly bytes: Buffer;
  readonly outgoing: readonly Outgoing[];
  /** Shared with the lane, which copies it before it changes it. */
  subscriptions: readonly Subscription[];
  /** When the oldest message in it could go: published, and its subscribers' interval over. Unix ms. */
  readonly dueMs: number;
  /** Serves a subscription that cannot simply be given the bytes ({@link Subscription.apart}, overlaps). */
  serve(subscription: Subscription): void;
  /** Told of a receiver that still waits for earlier bytes; `null`: give it these too, the receiver has its bound. */
  readonly onBlocked: ((subscription: Subscription) => void) | null;
}
