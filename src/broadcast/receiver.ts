import type { Outgoing } from './encode.js';
import type { Subscription } from './subscription.js';

/** How publications are written for a receiver; receivers with the same encoding share the bytes. */
export type Encoding = 'text' | 'deflate' | 'sse';

/** Whoever publications are written to: a WebSocket or an event stream. */
export interface Receiver {
  readonly encoding: Encoding;
  readonly isOpen: boolean;
  readonly subscriptions: Subscription[];
  /** Place among the {@link ReadyTable}; -1 where bytes can only be given by {@link deliver}. */
  readonly slot: number;
  /** True while an earlier write is not finished: what is delivered now would wait in memory. */
  readonly blocked: boolean;
  /** Publications that a policy left out for this receiver. */
  skipped: number;
  /**
   * Writes shared bytes now, or queues them behind what waits; over the bound, the slow-consumer policy applies.
   * @param outgoing the messages that the bytes are made of
   */
  deliver(bytes: Buffer, messages: number, outgoing: readonly Outgoing[]): void;
  /**
   * Queues shared bytes without writing, so that one write can carry what several topics have for this receiver.
   * @returns true when it is the first: {@link flushGathered} has to be called
   */
  gather(bytes: Buffer, messages: number, outgoing: readonly Outgoing[]): boolean;
  /** More waits for it than may: it is closed as too slow. */
  giveUp(): void;
  /** A message for it could not be made: it is closed, and resumes where it stands. */
  breakOff(): void;
  /** Writes what was gathered. */
  flushGathered(): void;
}
