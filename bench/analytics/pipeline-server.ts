// The whole server in a process of its own, over a database that exists, for the measurement from outside. Messages:
// `{ load }` stores portfolios, `'read'` tells CPU time and event-loop delay since the last reading, `'stop'` stops.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { AnalyticsRuntime } from '../../src/analytics/analytics-runtime.js';
import { Config } from '../../src/config/config.js';
import { createApp } from '../../src/create-app.js';
import { Health } from '../../src/health/health.js';
import { Lifecycle } from '../../src/lifecycle/lifecycle.js';
import { Logger } from '../../src/observability/logger.js';
import { Metrics } from '../../src/observability/metrics.js';
import { PortfolioRepository } from '../../src/store/portfolio.repository.js';
import { BenchMarket, type MarketSize } from './market.js';

export type Request = { readonly load: MarketSize } | 'read' | 'stop';
export interface Reading {
  readonly cpuMs: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly gcMs: number;
  readonly gcMaxMs: number;
  readonly idle: boolean;
  readonly pending: number;
  readonly rebuildMs: number;
  readonly rebuildTicks: number;
  readonly points: number;
}

const atOnce = 16;
const config = Config.from({
  PORT: '0',
  DATA_DIR: tmpdir(),
  DEMO: 'off',
  LOG_LEVEL: 'silent',
  ...process.env,
});
const lifecycle = new Lifecycle();
const metrics = new Metrics();
const app = await createApp({ config, lifecycle, logger: new Logger('silent', []), metrics });
await app.init();
await app.get(Health).runAll();
await app.listen(0, '127.0.0.1');
await lifecycle.started();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const gc = { ms: 0, maxMs: 0 };
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    gc.ms += duration;
    gc.maxMs = Math.max(gc.maxMs, duration);
  }
}).observe({ entryTypes: ['gc'] });

async function load(size: MarketSize): Promise<void> {
  const repository = app.get(PortfolioRepository, { strict: false });
  const books = [...new BenchMarket(size).books];
  const next = async (): Promise<void> => {
    for (let book = books.pop(); book !== undefined; book = books.pop()) await repository.put(book);
  };
  await Promise.all(Array.from({ length: atOnce }, next));
}

/** Portfolios of which live risk has found out whether there is a history. */
const riskKnows = (): number =>
  metrics.read('tidewatch_risk_live_portfolios').reduce((sum, { value }) => sum + value, 0);

function reading(): Reading {
  const { user, system } = process.cpuUsage();
  const { engine, feed, publisher } = app.get(AnalyticsRuntime, { strict: false });
  const gauge = (name: string): number => metrics.read(name)[0]?.value ?? 0;
  let points = 0;
  // Not `window.size`: a reading that brings ten thousand windows up to date would be measured with the rest.
  for (const { pushed } of engine.allStates()) points += Math.min(pushed, engine.budget.level);
  const answer = {
    cpuMs: (user + system) / 1_000,
    loopP99Ms: delay.percentile(99) / 1e6,
    loopMaxMs: delay.max / 1e6,
    gcMs: gc.ms,
    gcMaxMs: gc.maxMs,
    idle: feed.isIdle && publisher.pending === 0 && riskKnows() === engine.portfolioCount,
    pending: publisher.pending,
    rebuildMs: gauge('tidewatch_analytics_rebuild_seconds') * 1_000,
    rebuildTicks: gauge('tidewatch_analytics_rebuild_ticks'),
    points,
  };
  delay.reset();
  gc.ms = 0;
  gc.maxMs = 0;
  return answer;
}

async function answer(request: Request): Promise<void> {
  if (request === 'stop') {
    await lifecycle.shutdown();
    process.exit(0);
  }
  if (request !== 'read') await load(request.load);
  process.send?.(reading());
}

process.on('message', (request: Request) => void answer(request));
process.once('disconnect', () => process.exit(1));
process.send?.({ port: (app.getHttpServer().address() as AddressInfo).port });
