import { setTimeout as sleep } from 'node:timers/promises';
import { Config } from '../../src/config/config.js';
import { EventBus } from '../../src/domain/event-bus.js';
import type { LimitTransition } from '../../src/domain/events.js';
import { Lifecycle } from '../../src/lifecycle/lifecycle.js';
import { Logger } from '../../src/observability/logger.js';
import { Metrics } from '../../src/observability/metrics.js';
import type { RiskCompute } from '../../src/risk/compute/risk-compute.js';
import { type RiskTask, runRiskTask } from '../../src/risk/compute/risk-task.js';
import { HistoryService } from '../../src/risk/history/history.service.js';
import { LimitEvaluationService } from '../../src/risk/limits/limit-evaluation.service.js';
import { LiveRiskService } from '../../src/risk/live/live-risk.service.js';
import type { LimitRepository } from '../../src/store/limit.repository.js';
import type { RiskEventWriter } from '../../src/store/risk-event.writer.js';
import type { RiskMetricRepository } from '../../src/store/risk-metric.repository.js';
import { FakeCloses } from './fake-closes.js';
import { FakeLimits } from './fake-limits.js';
import { FakePortfolioBook } from './fake-portfolio-book.js';

/** Live risk over a book, a history and limits in memory. */
export function liveRisk(settings: Record<string, string> = {}) {
  const bus = new EventBus((name, error) => {
    throw new Error(`${name}: ${error}`);
  });
  const config = Config.from({ RISK_PUBLISH_MS: '10', RISK_LIVE_PATHS: '0', ...settings });
  const lifecycle = new Lifecycle();
  const metrics = new Metrics();
  const book = new FakePortfolioBook(bus);
  const closes = new FakeCloses();
  const history = new HistoryService(closes, config);
  const compute = { background: async (task: RiskTask) => runRiskTask(task) } as unknown as RiskCompute;
  const live = new LiveRiskService(book, history, bus, compute, config, lifecycle, metrics, Logger.silent());
  const store = new FakeLimits();
  const limits = new LimitEvaluationService(
    live,
    store as unknown as LimitRepository,
    store as unknown as RiskMetricRepository,
    bus,
    metrics,
    config,
    store as unknown as RiskEventWriter,
    lifecycle,
    Logger.silent(),
  );
  const transitions: LimitTransition[] = [];
  bus.on('limit.transition', (e) => transitions.push(e));
  return { bus, config, lifecycle, metrics, book, closes, history, live, store, limits, transitions };
}

/** Waits until something is there. Five seconds of turns: a busy machine is slow, not wrong. */
export async function until<T>(what: () => T | undefined | null | false): Promise<T> {
  for (const end = Date.now() + 5_000; Date.now() < end; ) {
    const value = what();
    if (value) return value;
    await sleep(5);
  }
  throw new Error('it did not happen');
}
