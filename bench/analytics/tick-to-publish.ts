import { AnalyticsEngine } from '../../src/analytics/analytics-engine.js';
import { AnalyticsMeter } from '../../src/analytics/analytics-meter.js';
import { CalculatorRegistry } from '../../src/analytics/calculators/calculator-registry.js';
import { CalculatorRunner } from '../../src/analytics/calculators/calculator-runner.js';
import { rangePosition } from '../../src/analytics/calculators/range-position.calculator.js';
import { realisedVolatility } from '../../src/analytics/calculators/realised-volatility.calculator.js';
import { turnover } from '../../src/analytics/calculators/turnover.calculator.js';
import { EngineFeed } from '../../src/analytics/engine-feed.js';
import { SummaryPublisher } from '../../src/analytics/summary-publisher.js';
import { WindowBudget } from '../../src/analytics/window-budget.js';
import { EventBus } from '../../src/domain/event-bus.js';
import { Metrics } from '../../src/observability/metrics.js';
import { BenchMarket, type MarketSize } from './market.js';
import { percentile, row, threadCpuNs } from './measure.js';

const goalMs = 20;
/** Ticks arrive in batches of this many milliseconds, as group commit announces them. */
const batchMs = 5;

/**
 * An open model: batches fall due by the clock whether or not the engine keeps up, and latencies count from when a
 * batch was due. The store is not in it: from its announcement to the publication.
 */
export async function tickToPublish(seconds: number): Promise<void> {
  console.log(
    `\nTick to publication: batches every ${batchMs} ms, ${seconds} s each, summaries at most every 100 ms`,
  );
  row('', 'applied p50', 'p99', 'published p50', 'p99', 'updates/s', 'summaries/s', 'CPU');
  const large = { portfolios: 10_000, positions: 20, symbols: 5_000 };
  const small = { portfolios: 100, positions: 20, symbols: 500 };
  for (const rate of [1_000, 10_000, 50_000]) {
    for (const size of [small, large]) await measure(rate, size, seconds);
  }
  console.log(
    'applied: accepted → windows updated; published: newest tick accepted → summary out, the wait for the',
  );
  console.log('100 ms included where a portfolio changes more often than that');
}

async function measure(rate: number, size: MarketSize, seconds: number): Promise<void> {
  const market = new BenchMarket(size);
  const engine = new AnalyticsEngine(new WindowBudget(512 * 2 ** 20));
  const bus = new EventBus();
  const metrics = new Metrics();
  const registry = new CalculatorRegistry([realisedVolatility, turnover, rangePosition]);
  const runner = new CalculatorRunner(registry, metrics, () => undefined);
  const publisher = new SummaryPublisher(engine, bus, runner, new AnalyticsMeter(metrics), 100);
  const applied: number[] = [];
  const published: number[] = [];
  let measuring = false;
  let summaries = 0;
  let seen = Number.NaN;
  const feed = new EngineFeed(engine, publisher);
  bus.on('portfolio.revalued', ({ hops }) => {
    if (!measuring || hops.ingestedMs === null || hops.ingestedMs === seen) return;
    seen = hops.ingestedMs;
    applied.push(performance.timeOrigin + performance.now() - hops.ingestedMs);
  });
  bus.on('summary.ready', ({ hops }) => {
    if (!measuring || hops.ingestedMs === null) return;
    summaries++;
    published.push(performance.timeOrigin + performance.now() - hops.ingestedMs);
  });
  for (const portfolio of market.books) engine.applyChange({ kind: 'put', portfolio });
  for (let symbol = 0; symbol < size.symbols; symbol++) engine.applyTick(market.tick(symbol, symbol));
  for (let i = 0; i < 20_000; i++) engine.applyTick(market.tick(10_000 + i));
  engine.takeChanged();

  const perBatch = Math.max(1, Math.round((rate * batchMs) / 1_000));
  const started = performance.now() + 500;
  let updates = 0;
  let cpu = 0;
  for (let batch = 0; ; batch++) {
    const due = started - 500 + batch * batchMs;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    else if (batch % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (!measuring && due >= started) {
      measuring = true;
      updates = engine.counts.updates;
      cpu = threadCpuNs();
    }
    if (due >= started + seconds * 1_000) break;
    const dueMs = performance.timeOrigin + due;
    feed.addTicks({
      ticks: Array.from({ length: perBatch }, () => market.tick(dueMs)),
      ingestedAtMs: dueMs,
      storedAtMs: dueMs,
    });
  }
  measuring = false;
  const took = (performance.now() - started) / 1_000;
  publisher.stop();
  await runner.close();
  const ms = (list: readonly number[], q: number): string => `${percentile(list, q).toFixed(1)} ms`;
  row(
    `${rate.toLocaleString('en')} ticks/s, ${size.portfolios.toLocaleString('en')} portfolios`,
    ms(applied, 0.5),
    ms(applied, 0.99),
    ms(published, 0.5),
    ms(published, 0.99),
    Math.round((engine.counts.updates - updates) / took).toLocaleString('en'),
    Math.round(summaries / took).toLocaleString('en'),
    `${((threadCpuNs() - cpu) / took / 1e7).toFixed(0)} %`,
  );
  if (rate === 10_000) {
    const p99 = percentile(applied, 0.99);
    console.log(
      `  applied p99 ${p99.toFixed(1)} ms (goal below ${goalMs} ms) ${p99 < goalMs ? 'reached' : 'MISSED'}`,
    );
  }
}
