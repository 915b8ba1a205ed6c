import type { Outgoing } from './encode.js';
import type { Lane } from './lane.js';
import type { Subscription } from './subscription.js';

/** The subscriptions that a job goes to: `list[0, end)`. Those that join meanwhile are behind `end`. */
export interface Walk {
  readonly list: readonly Subscription[];
  /** Beside `list`: {@link Receiver.slot} where the bytes can simply be written, -1 where the list has to be asked. */
  readonly slots: readonly number[];
  readonly end: number;
  /** How many of them there are: some of the list may have ended. */
  readonly size: number;
}

/** Bytes on their way to the subscriptions of one lane. */
export interface Job {
  readonly lane: Lane;
  readonly bytes: Buffer;
  readonly outgoing: readonly Outgoing[];
  /** Lent by the lane, which has it back with {@link Lane.giveBack}. */
  readonly to: Walk;
  /** Those of them that have got it ahead of their turn. */
  served: Set<Subscription> | null;
  /** When the oldest message in it could go: published, and its subscribers' interval over. Unix ms. */
  readonly dueMs: number;
  /** Serves a subscription that cannot simply be given the bytes ({@link Subscription.apart}, overlaps). */
  serve(subscription: Subscription): void;
  /** Told of a receiver that still waits for earlier bytes; `null`: give it these too, the receiver has its bound. */
  readonly onBlocked: ((subscription: Subscription) => void) | null;
}
