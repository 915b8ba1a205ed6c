import type { LatencyWindows } from '../latency-windows.js';
import type { CollectorContext, CollectorDatabase, CollectorLog, CollectorRedis } from './collector.js';
import { CostMeter } from './cost-meter.js';
import type { Sources } from './sources.js';
import type { StagedMetrics } from './staged-metrics.js';

/** What all collectors share; each gets its own metered view of it. */
export interface SharedClients {
  readonly pool: {
    forRun(meter: CostMeter, signal: AbortSignal, deadlineMs: number): CollectorDatabase;
  } | null;
  readonly redis: {
    readonly client: { call(command: string, ...args: string[]): Promise<unknown> };
    readonly mode: 'external' | 'private';
  } | null;
  readonly sources: Sources;
  readonly windows: LatencyWindows;
  readonly nowMs: () => number;
}

/** The run that a collector's clients work for now. */
export interface OpenRun {
  readonly meter: CostMeter;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** Parts that failed, by name. */
  readonly failures: { readonly part: string; readonly error: unknown }[];
}

/**
 * The clients of one collector instance. They work while a run is open and refuse afterwards, so whatever a hung or
 * abandoned run does later reaches neither the servers nor the metrics.
 */
export class CollectorClients {
  private run: OpenRun | null = null;

  constructor(
    private readonly shared: SharedClients,
    private readonly metrics: StagedMetrics,
    private readonly log: CollectorLog,
  ) {}

  open(run: OpenRun): void {
    this.run = run;
  }

  close(): void {
    this.run = null;
  }

  context<C>(config: C): CollectorContext<C> {
    const { shared, metrics } = this;
    return {
      config,
      log: this.log,
      clock: { nowMs: shared.nowMs },
      metrics: {
        set: (spec, value, ...[labels]) => {
          if (this.run !== null) metrics.set(spec, value, labels);
        },
        counter: (spec, ...[labels]) => metrics.counter(spec, labels),
        histogram: (spec, ...[labels]) => metrics.histogram(spec, labels),
      },
      database: this.database(),
      redis: this.redis(),
      sources: shared.sources,
      windows: shared.windows,
      fetch: (url, headers) => this.fetch(url, headers),
      attempt: async (part, run) => {
        const open = this.current();
        try {
          await run();
        } catch (error) {
          if (open.signal.aborted) throw error;
          open.failures.push({ part, error });
        }
      },
    };
  }

  private current(): OpenRun {
    if (this.run === null) throw new Error('clients work within a run only');
    return this.run;
  }

  private database(): CollectorDatabase | null {
    const { pool } = this.shared;
    if (pool === null) return null;
    return {
      query: async (sql, parameters) => {
        const { meter, signal, deadlineMs } = this.current();
        return pool.forRun(meter, signal, deadlineMs).query(sql, parameters);
      },
    };
  }

  private redis(): CollectorRedis | null {
    const { redis } = this.shared;
    if (redis === null) return null;
    return {
      mode: redis.mode,
      call: async (command, ...args) => {
        const { meter, signal } = this.current();
        meter.refuseRunaway();
        meter.cost.redisCommands++;
        return meter.charge(unlessAborted(redis.client.call(command, ...args.map(String)), signal));
      },
    };
  }

  private async fetch(url: string, headers: Readonly<Record<string, string>> = {}) {
    const { meter, signal } = this.current();
    return meter.charge(
      (async () => {
        const response = await fetch(url, { headers, signal });
        return { status: response.status, text: await response.text() };
      })(),
    );
  }
}

function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
