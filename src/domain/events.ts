import type { Portfolio } from './portfolio.js';
import type { StoredTicks } from './tick.js';

/** Unix ms at each hop of one number's way; `null` where that hop did not happen for it (a position change has no tick). */
export interface HopStamps {
  readonly sourceMs: number | null;
  readonly ingestedMs: number | null;
  readonly storedMs: number | null;
  readonly computedMs: number;
  /** When the interval between two publications let it go; `computedMs` where it did not have to wait. */
  readonly dueMs: number;
}

/** Daily closes of these symbols are new or corrected, and durable. */
export interface BarsStored {
  readonly symbols: readonly string[];
}

/** Positions of a portfolio changed and the change is durable. */
export interface PortfolioChanged {
  readonly kind: 'put' | 'traded' | 'deleted';
  readonly portfolio: Portfolio;
}

/**
 * A portfolio was marked to market: at most once per portfolio and batch of stored ticks. To be read while the event is
 * delivered: it tells what is true then.
 */
export interface PortfolioRevalued {
  readonly portfolioId: string;
  /** In the portfolio's currency; `null` while a held symbol has no price. */
  readonly value: number | null;
  /** Indices are the engine's own; `symbols` are those whose price moved since the last event of this portfolio. */
  readonly symbols: readonly string[];
  readonly hops: HopStamps;
}

/** A conflated analytics summary is ready for clients. `data` is the body of `GET …/summary`. */
export interface SummaryReady {
  readonly portfolioId: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly hops: HopStamps;
}

/** New risk figures of a portfolio. `data` is what `risk.{portfolio}` subscribers get. */
export interface RiskReady {
  readonly portfolioId: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type LimitStatus = 'normal' | 'warning' | 'breach' | 'unknown';

/** A limit changed state. Goes to `risk_events`, to `limits.{portfolio}` and to alerts. */
export interface LimitTransition {
  readonly portfolioId: string;
  readonly limitId: string;
  readonly limitType: string;
  readonly from: LimitStatus;
  readonly to: LimitStatus;
  readonly value: number | null;
  readonly thresholdValue: number;
  readonly warningThreshold: number;
  readonly atMs: number;
}

/** A limit is judged no more: what was said of it is over. */
export interface LimitEnded {
  readonly portfolioId: string;
  readonly limitId: string;
  readonly limitType: string;
  readonly why: 'the limit was deleted' | 'the limit was switched off' | 'the portfolio was deleted';
  readonly atMs: number;
}

/** An alert (infrastructure or risk) changed state; `data` is what `alerts` subscribers get. */
export interface AlertChanged {
  readonly id: string;
  readonly name: string;
  readonly state: 'pending' | 'firing' | 'resolved';
  readonly data: Readonly<Record<string, unknown>>;
}

/** A client's WebSocket was accepted. `id` is the process's own number of it. */
export interface ConnectionOpened {
  readonly id: number;
  readonly path: string;
  readonly address: string;
  readonly userAgent: string | null;
  /** Id of the key it came with; `null` without one. */
  readonly subject: string | null;
  readonly atMs: number;
}

/** Its socket is gone. */
export interface ConnectionClosed {
  readonly id: number;
  readonly code: number;
  readonly atMs: number;
}

/** Somebody changed by API how the server runs; kept for the evidence of alerts that fire afterwards. */
export interface OperationDone {
  /** `collector`, `log level`, `redis memory`. */
  readonly what: string;
  /** Which of them. */
  readonly name: string;
  readonly change: Readonly<Record<string, unknown>>;
}

/** Everything that passes between stages. Calls follow imports; news travels here, the other way. */
export interface DomainEvents {
  'ticks.stored': StoredTicks;
  'bars.stored': BarsStored;
  'portfolio.changed': PortfolioChanged;
  'portfolio.revalued': PortfolioRevalued;
  'summary.ready': SummaryReady;
  'risk.ready': RiskReady;
  'limit.transition': LimitTransition;
  'limit.ended': LimitEnded;
  'alert.changed': AlertChanged;
  'connection.opened': ConnectionOpened;
  'connection.closed': ConnectionClosed;
  'operation.done': OperationDone;
}
