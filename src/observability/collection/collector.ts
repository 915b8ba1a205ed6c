import type { LatencyRow } from '../latency-windows.js';
import type { MetricSpec } from '../metric-spec.js';
import type { CounterHandle, HistogramHandle } from '../metrics.js';
import type { WindowReading } from '../rolling-window.js';
import type { Sources } from './sources.js';

export { readDocument } from '../../domain/read-document.js';
export { counter, gauge, histogram, type MetricSpec } from '../metric-spec.js';
export type { CollectorKit, Declaration } from './collector-kit.js';
export { infoNumber, parseRedisInfo, type RedisInfo, type RedisMemory, redisMemoryOf } from './redis-info.js';
export type { ConnectionStatus, PoolStatus, StorageFinding } from './sources.js';

/**
 * The contract between the server and its collectors: the only thing of ours a collector imports. The runner, never
 * the collector, schedules, applies the timeout, times the run, catches the error, logs it and reports it.
 */

/** What one run may cost before the runner spaces the runs out. A breach is announced as a metric. */
export interface CostBudget {
  /** Time in database queries, ms. */
  readonly dbMs: number;
  readonly redisCommands: number;
  /** Time in which the collector's own code held the event loop, ms. */
  readonly eventLoopMs: number;
  /** Series reported. */
  readonly samples: number;
}

/** Anything that implements Standard Schema (zod does). */
export interface ConfigSchema<C> {
  readonly '~standard': {
    readonly version: 1;
    validate(value: unknown): SchemaResult<C> | Promise<SchemaResult<C>>;
  };
}
type SchemaResult<C> =
  | { readonly value: C; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly unknown[] | undefined;
      }[];
    };

export interface CollectorManifest<C = unknown> {
  /** Kebab-case; the name of its folder. Settings, metrics and the API call it by this. */
  readonly name: string;
  /** One sentence: what it measures and from where. */
  readonly description: string;
  /** Every field has a default: with no configuration at all the collector runs. */
  readonly config: ConfigSchema<C>;
  /** All that it may report. A metric belongs to one collector. */
  readonly metrics: readonly MetricSpec[];
  readonly intervalMs: number;
  /** A run is aborted after this; default: the interval, at most 10 s. */
  readonly timeoutMs?: number;
  readonly budget: CostBudget;
  /** While an alert of one of these names (a trailing `*` matches a family) is pending or firing, it runs this often. */
  readonly burst?: { readonly alerts: readonly string[]; readonly intervalMs: number };
}

type LabelArgument<L extends string> = [L] extends [never]
  ? [labels?: Readonly<Record<string, never>>]
  : [labels: Readonly<Record<L, string>>];

/** How a collector reports. Everything set during a run becomes visible together when the run ends well. */
export interface CollectorMetrics {
  /**
   * Reports a gauge, or the running total of something another program counts. `null` or `undefined`: unknown, so not
   * reported. A series that a later run no longer sets disappears.
   */
  set<L extends string>(
    spec: MetricSpec<L>,
    value: number | null | undefined,
    ...labels: LabelArgument<L>
  ): void;
  /** A live series for what happens between runs: visible at once. Bind once, in `create` or `start`. */
  counter<L extends string>(spec: MetricSpec<L>, ...labels: LabelArgument<L>): CounterHandle;
  /** See {@link CollectorMetrics.counter}. */
  histogram<L extends string>(spec: MetricSpec<L>, ...labels: LabelArgument<L>): HistogramHandle;
}

/** The collectors' own small pool: read-only, with statement and lock timeouts, apart from the application's pools. */
export interface CollectorDatabase {
  /** @throws Error when the run is over, the time is up or the server says no */
  query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<readonly Row[]>;
}

export interface CollectorRedis {
  /** `private`: this process's own server; `external`: somebody's. */
  readonly mode: 'external' | 'private';
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
}

export interface CollectorLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What a collector is given. */
export interface CollectorContext<C = unknown> {
  readonly config: C;
  readonly metrics: CollectorMetrics;
  readonly clock: { nowMs(): number };
  readonly log: CollectorLog;
  /** `null` without a database. */
  readonly database: CollectorDatabase | null;
  /** `null` without a Redis. */
  readonly redis: CollectorRedis | null;
  /** What the stages lend: pools, WebSocket connections, storage probes. */
  readonly sources: Pick<Sources, 'get'>;
  /** The rolling windows of the threshold table. */
  readonly windows: {
    read(row: LatencyRow, windowSeconds?: number): WindowReading;
    record(row: LatencyRow, value: number): void;
  };
  /** An HTTP GET that ends with the run. */
  fetch(url: string, headers?: Readonly<Record<string, string>>): Promise<{ status: number; text: string }>;
  /**
   * Runs one part of a run by itself: when it fails, the failure is reported under its name, its metrics keep their
   * last values until they are stale, and the other parts go on.
   */
  attempt(part: string, run: () => Promise<void> | void): Promise<void>;
}

export interface Collector {
  /** Before the first run and after being enabled again. */
  start?(): Promise<void> | void;
  /** One run. Throw {@link NoData} when there is nothing to measure, any other error when measuring failed. */
  collect(signal: AbortSignal): Promise<void>;
  /** Lets go of timers and subscriptions. */
  stop?(): Promise<void> | void;
}

export interface CollectorDefinition<C = unknown> {
  readonly manifest: CollectorManifest<C>;
  /** Before every run, and no part of it: what the run needs before its clock starts. */
  prepare?(): Promise<void>;
  create(context: CollectorContext<C>, host: CollectorHost): Collector;
}

/** What a collector that runs elsewhere tells of itself; of no use to others. */
export interface CollectorHost {
  /**
   * The place it runs in is gone, and with it this instance.
   * @param escaped whether the error came from outside of a run: a timer, a promise that nobody waits for
   */
  lost(error: Error, escaped: boolean): void;
  /** Time that its code took there, ms. */
  charge(ms: number): void;
}

/** What a plugin that is made of several files may give for one that is wrong, so that the others still run. */
export interface UnusableCollector {
  readonly name: string;
  readonly path: string;
  readonly error: string;
}

/** Gives a definition its types; has no effect. */
export const defineCollector = <C>(definition: CollectorDefinition<C>): CollectorDefinition<C> => definition;

/** There is nothing to measure here (no Redis configured, extension not installed): neither success nor failure. */
export class NoData extends Error {
  override readonly name = 'NoData';
}
