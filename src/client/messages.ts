/** Where a subscription stands in a topic: what `since` resumes from. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

export type Policy = 'all' | 'conflate';

/** A number of ticks' worth of statistics over a portfolio's value: the body of `GET …/summary`. */
export interface AnalyticsSummary {
  readonly portfolio_id: string;
  readonly as_of: string | null;
  readonly data_age_ms: number | null;
  readonly window: { readonly size: number; readonly capacity: number; readonly ready: boolean };
  readonly current_value: number | null;
  readonly mean: number | null;
  readonly std: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly trend: number | null;
  readonly volatility: number | null;
  readonly momentum: Readonly<Record<string, number | null>>;
  readonly [more: string]: unknown;
}

export interface PriceUpdate {
  readonly symbol: string;
  readonly price: number;
  readonly [more: string]: unknown;
}

export interface LimitUpdate {
  readonly limit_type: string;
  readonly from: 'normal' | 'warning' | 'breach' | 'unknown';
  readonly to: 'normal' | 'warning' | 'breach' | 'unknown';
  readonly [more: string]: unknown;
}

/** The limits of a portfolio as they stand, each as `GET …/limits` gives it. */
export interface LimitsSnapshot {
  readonly portfolio_id: string;
  readonly limits: readonly Readonly<Record<string, unknown>>[];
  readonly [more: string]: unknown;
}

/** What the snapshot of a topic is: its newest message, or its state where messages are changes. */
export type SnapshotData<T extends string> = T extends `limits.${string}` ? LimitsSnapshot : TopicData<T>;

/** What a topic carries, by its name. */
export type TopicData<T extends string> = T extends `analytics.${string}`
  ? AnalyticsSummary
  : T extends `prices.${string}`
    ? PriceUpdate
    : T extends `limits.${string}`
      ? LimitUpdate
      : T extends `risk.${string}` | 'alerts' | 'system'
        ? Readonly<Record<string, unknown>>
        : unknown;

/** A publication as the server sends it. */
export interface PublicationMessage {
  readonly type: 'message';
  readonly topic: string;
  readonly offset: number;
  readonly ts: number;
  readonly data?: unknown;
  /** RFC 7396 patch on the message at offset `base`, instead of `data`. */
  readonly patch?: unknown;
  readonly base?: number;
  readonly skipped?: { readonly from: number; readonly to: number };
}

export interface SubscribedMessage {
  readonly type: 'subscribed';
  readonly id: number;
  readonly topic: string;
  readonly epoch?: string;
  readonly offset?: number;
  readonly recovered?: boolean;
  readonly reason?: string;
  readonly snapshot?: unknown;
  /** For a family: each of its topics. */
  readonly topics?: readonly {
    readonly topic: string;
    readonly epoch: string;
    readonly offset: number;
    readonly recovered: boolean;
    readonly reason?: string;
  }[];
  /** For a family: how many topics the answer does not name. */
  readonly topics_left_out?: number;
}

/** The positions of a topic go on under another epoch. */
export interface PositionMessage {
  readonly type: 'position';
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
  readonly reason: string;
  /** How many messages are gone; `null`: unknown. */
  readonly lost: number | null;
}

export interface ErrorMessage {
  readonly type: 'error';
  readonly id?: number | null;
  readonly code: string;
  readonly message: string;
  /** There when the same may be asked again, after so long. */
  readonly retry_after_ms?: number;
}

export type ServerMessage =
  | PublicationMessage
  | SubscribedMessage
  | ErrorMessage
  | PositionMessage
  | { readonly type: 'authenticated'; readonly id: number }
  /** An answer where it has an id, a decision of the server where it has a reason. */
  | { readonly type: 'unsubscribed'; readonly id?: number; readonly topic: string; readonly reason?: string }
  | { readonly type: 'pong'; readonly timestamp: number; readonly server_time: number };
