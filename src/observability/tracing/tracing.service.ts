import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Config } from '../../config/config.js';
import { Health } from '../../health/health.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { traceSpans, tracingActive } from '../catalogue/watching.js';
import { Logger, type ModuleLogger } from '../logger.js';
import { Metrics } from '../metrics.js';
import type { CounterSeries } from '../series.js';
import { activeTraceId } from './tracing.js';
import { type Tracing, tracing } from './tracing-state.js';

/** What must have been hooked, by name. */
const hooked: Readonly<Record<string, unknown>> = {
  pg: pg.Client.prototype.query,
  ioredis: Redis.prototype.sendCommand,
};

/** Says whether traces are recorded, ties exemplars to them, and sends what waits at shutdown. */
@Injectable()
export class TracingService implements OnApplicationBootstrap {
  private readonly log: ModuleLogger;
  private readonly state: Tracing | null = tracing();

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
    private readonly health: Health,
    lifecycle: Lifecycle,
    logger: Logger,
  ) {
    this.log = logger.child('tracing');
    if (this.state === null) return;
    metrics.exemplars.current = activeTraceId;
    lifecycle.onShutdown('close', 'tracing', () => this.state?.shutdown());
    this.count(this.state);
  }

  /** The self-check: a missing hook loses spans without a word, so the word is said here. */
  onApplicationBootstrap(): void {
    const endpoint = this.config.get('OTEL_EXPORTER_OTLP_ENDPOINT');
    if (endpoint === undefined) {
      this.health.state('tracing', () => ({ status: 'off' }));
      return;
    }
    const missing = this.state === null ? Object.keys(hooked) : missingHooks();
    this.metrics.gauge(tracingActive, {}).set(missing.length === 0 ? 1 : 0);
    if (missing.length === 0) {
      this.health.state('tracing', () => ({ status: 'active', spans: this.state?.counts }));
      this.log.info({ endpoint, sample_ratio: this.state?.sampleRatio }, 'tracing is active');
      return;
    }
    const reason =
      this.state === null
        ? 'instrumentation not active: start with --import dist/src/instrumentation.js'
        : `instrumentation not active for ${missing.join(', ')}: loaded before the hooks were`;
    this.health.state('tracing', () => ({ status: 'inactive', reason }));
    this.log.warn({ endpoint }, `tracing: ${reason}`);
  }

  private count({ counts }: Tracing): void {
    const series = (outcome: 'ended' | 'exported' | 'failed') =>
      this.metrics.counter(traceSpans, { outcome }) as CounterSeries;
    const [ended, exported, failed] = [series('ended'), series('exported'), series('failed')];
    this.metrics.beforeRead(() => {
      ended.setTotal(counts.ended);
      exported.setTotal(counts.exported);
      failed.setTotal(counts.failed);
    });
  }
}

/** The instrumentations leave a mark on what they have wrapped. */
const missingHooks = (): string[] =>
  Object.entries(hooked)
    .filter(([, method]) => (method as { __wrapped?: boolean } | undefined)?.__wrapped !== true)
    .map(([name]) => name);
