import { delimiter } from 'node:path';
import type { Config } from '../config/config.js';
import type { EventBus } from '../domain/event-bus.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import * as specs from '../observability/catalogue/analytics.js';
import type { Logger, ModuleLogger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import type { MetricWriter } from '../store/metric.writer.js';
import { AnalyticsEngine } from './analytics-engine.js';
import { AnalyticsMeter } from './analytics-meter.js';
import { CalculatorRegistry } from './calculators/calculator-registry.js';
import { CalculatorRunner } from './calculators/calculator-runner.js';
import { rangePosition } from './calculators/range-position.calculator.js';
import { realisedVolatility } from './calculators/realised-volatility.calculator.js';
import { turnover } from './calculators/turnover.calculator.js';
import { EngineFeed } from './engine-feed.js';
import { type RebuildSource, rebuildEngine } from './engine-rebuild.js';
import { PerformanceWatch } from './performance-watch.js';
import { SummaryPublisher } from './summary-publisher.js';
import { SymbolCurrencies } from './symbol-currencies.js';
import { ValueRecorder } from './value-recorder.js';
import { WindowBudget } from './window-budget.js';

export interface RuntimeParts {
  readonly config: Config;
  readonly bus: EventBus;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly store: RebuildSource;
  readonly writer: MetricWriter;
}

const watchEveryMs = 1_000;
/** Portfolios brought to the memory level per look of the watch: those that no tick touches. */
const sweepPerLook = 500;

/** The engine with everything that keeps it going: feed, publisher, recorder, calculators, watch. */
export class AnalyticsRuntime {
  readonly engine: AnalyticsEngine;
  readonly feed: EngineFeed;
  readonly publisher: SummaryPublisher;
  readonly calculators: CalculatorRunner;
  readonly watch: PerformanceWatch;
  private readonly recorder: ValueRecorder;
  private readonly log: ModuleLogger;
  private timer: NodeJS.Timeout | undefined;
  private sweep: Iterator<{ window: AnalyticsWindow }> | undefined;

  private constructor(
    parts: RuntimeParts,
    readonly registry: CalculatorRegistry,
  ) {
    const { config, bus, lifecycle, logger, metrics, writer } = parts;
    this.log = logger.child('analytics');
    const meter = new AnalyticsMeter(metrics);
    this.engine = new AnalyticsEngine(
      new WindowBudget(config.get('ANALYTICS_MEMORY_MB') * 2 ** 20),
      new SymbolCurrencies(config.get('DEFAULT_CURRENCY'), config.get('SYMBOL_CURRENCIES')),
    );
    this.calculators = new CalculatorRunner(registry, metrics, (calculator, error) =>
      this.log.error({ calculator, error }, 'a calculator is switched off after repeated failures'),
    );
    this.publisher = new SummaryPublisher(
      this.engine,
      bus,
      this.calculators,
      meter,
      config.get('ANALYTICS_PUBLISH_MS'),
    );
    this.feed = new EngineFeed(this.engine, this.publisher);
    this.recorder = new ValueRecorder(
      writer,
      meter,
      config.get('ANALYTICS_RECORD_MS'),
      (error) => this.log.warn({ err: error }, 'portfolio history could not be written'),
      (state) => this.engine.state(state.id) === state,
    );
    this.publisher.onMarked((state) => this.recorder.marked(state));
    this.watch = new PerformanceWatch(this.engine, this.feed, meter, (fields, message) =>
      this.log.warn(fields, message),
    );
    bus.on('ticks.stored', (ticks) => this.feed.addTicks(ticks));
    bus.on('portfolio.changed', (change) => this.feed.addChange(change));
    this.registerGauges(metrics);
    lifecycle.onShutdown('drain-clients', 'analytics', () => this.stop());
    lifecycle.onShutdown('close', 'calculators', () => this.calculators.close());
  }

  /** Rebuilds the engine from the store and starts. What is announced meanwhile waits. */
  static async start(parts: RuntimeParts): Promise<AnalyticsRuntime> {
    const registry = new CalculatorRegistry([realisedVolatility, turnover, rangePosition]);
    await registry.load((parts.config.get('CALCULATORS') ?? '').split(delimiter).filter(Boolean));
    const runtime = new AnalyticsRuntime(parts, registry);
    await runtime.rebuild(parts);
    return runtime;
  }

  private async rebuild({ store, metrics }: RuntimeParts): Promise<void> {
    this.feed.hold();
    const rebuilt = await rebuildEngine(this.engine, store);
    this.log.info({ ...rebuilt, ms: Math.round(rebuilt.ms) }, 'windows rebuilt from the store');
    metrics.gauge(specs.analyticsRebuildSeconds, {}).set(rebuilt.ms / 1_000);
    metrics.gauge(specs.analyticsRebuildTicks, {}).set(rebuilt.ticks);
    // What the rebuild applied is not the work of the feed, nor new to the history.
    this.watch.look();
    this.recorder.resume(this.engine.allStates());
    this.feed.release();
    this.timer = setInterval(() => this.look(), watchEveryMs);
    this.timer.unref();
  }

  private look(): void {
    this.watch.look();
    this.sweep ??= this.engine.allStates()[Symbol.iterator]();
    for (let i = 0; i < sweepPerLook; i++) {
      const next = this.sweep.next();
      if (next.done) {
        this.sweep = undefined;
        return;
      }
      this.engine.budget.bring(next.value.window);
    }
  }

  private async stop(): Promise<void> {
    this.feed.catchUp(1_000);
    clearInterval(this.timer);
    this.watch.look();
    this.publisher.stop();
    await this.recorder.stop();
  }

  private registerGauges(metrics: Metrics): void {
    const { engine, feed, publisher } = this;
    metrics.gaugeFrom(specs.analyticsQueueTicks, {}, () => feed.waitingTicks);
    metrics.gaugeFrom(specs.analyticsPublicationsPending, {}, () => publisher.pending);
    metrics.gaugeFrom(specs.analyticsPortfolios, {}, () => engine.portfolioCount);
    metrics.gaugeFrom(specs.analyticsWindowBytes, {}, () => engine.budget.bytes);
    metrics.gaugeFrom(specs.analyticsWindowBudgetBytes, {}, () => engine.budget.maxBytes);
    metrics.gaugeFrom(specs.analyticsWindowLevel, {}, () => engine.budget.level);
  }
}

type AnalyticsWindow = ReturnType<WindowBudget['open']>;
