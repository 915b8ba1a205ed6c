import type { Position, Publication } from './publication.js';
import type { LossReason } from './topic-log.js';

/** Where one topic stands for a new subscription. */
export interface Joined {
  readonly topic: string;
  readonly position: Position;
  /** Whether nothing is missing between the position that was given and this one. */
  readonly recovered: boolean;
  readonly reason: LossReason | undefined;
  /** Missed messages, oldest first. */
  readonly missed: readonly Publication[];
  /** The newest message; `null` before the first. */
  readonly last: Publication | null;
  /** Why {@link last} is `null`. */
  readonly emptyReason: EmptyReason | undefined;
}

/** Why a topic has nothing to show. */
export type EmptyReason =
  | 'nothing_published'
  | 'forgotten'
  | 'too_much'
  | 'unknown_portfolio'
  | 'not_computed'
  | 'no_price';

/** The present value of a topic on which nothing has been published. */
export type Present = { readonly value: unknown } | { readonly reason: EmptyReason };
