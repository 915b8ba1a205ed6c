import { AnalyticsEngine } from '../../src/analytics/analytics-engine.js';
import { fullWindow, WindowBudget } from '../../src/analytics/window-budget.js';
import { BenchMarket } from './market.js';
import { row, threadCpuNs } from './measure.js';

const MB = 2 ** 20;

/** Updates per second of the engine alone, drift of the values, and memory of windows. */
export function engineThroughput(ticks: number): AnalyticsEngine {
  const size = { portfolios: 10_000, positions: 20, symbols: 5_000 };
  const market = new BenchMarket(size);
  const engine = new AnalyticsEngine(new WindowBudget(512 * MB));
  let before = threadCpuNs();
  for (const portfolio of market.books) engine.applyChange({ kind: 'put', portfolio });
  const loading = (threadCpuNs() - before) / 1e6;
  for (let symbol = 0; symbol < size.symbols; symbol++) engine.applyTick(market.tick(symbol, symbol));
  const feed = Array.from({ length: ticks }, (_, i) => market.tick(10_000 + i));
  const updates = engine.counts.updates;
  before = threadCpuNs();
  for (const tick of feed) {
    engine.applyTick(tick);
    if (engine.changedCount > 9_000) engine.takeChanged();
  }
  const seconds = (threadCpuNs() - before) / 1e9;
  const done = engine.counts.updates - updates;
  console.log('\nEngine: 10,000 portfolios × 20 positions × 5,000 symbols, one thread, no store');
  row('loading the portfolios', `${loading.toFixed(0)} ms`);
  row('ticks per second', Math.round(ticks / seconds).toLocaleString('en'));
  row('portfolio updates per second', Math.round(done / seconds).toLocaleString('en'));
  row('time per update', `${((seconds / done) * 1e9).toFixed(0)} ns`);
  let worst = 0;
  for (const state of engine.allStates()) {
    const full = engine.revaluation(state);
    worst = Math.max(worst, Math.abs(state.value - full) / Math.abs(full));
  }
  row('largest difference to the full revaluation (relative)', worst.toExponential(1));
  row(
    'windows: level, memory',
    `${engine.budget.level} points`,
    `${(engine.budget.bytes / MB).toFixed(0)} MB`,
  );
  fullWindowMemory();
  return engine;
}

function fullWindowMemory(): void {
  const budget = new WindowBudget(2 ** 40);
  const window = budget.open();
  for (let i = 0; i < 2 * fullWindow; i++)
    budget.push(window, 100 + (i % 977) * 0.01, i, (i * 2_654_435_761) >>> 1);
  window.quantiles();
  row('memory of one portfolio at full window (10,000 points)', `${(window.bytes / 1_024).toFixed(0)} KB`);
}
