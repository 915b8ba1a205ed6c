import { dataAgeMs } from '../domain/data-age.js';
import { finiteOrNull } from '../domain/json-values.js';
import type { AnalyticsEngine } from './analytics-engine.js';
import type { CalculatorRegistry } from './calculators/calculator-registry.js';
import type { CalculatorRunner } from './calculators/calculator-runner.js';
import type { EngineFeed } from './engine-feed.js';
import { formulaVersion } from './figures-body.js';
import type { PerformanceWatch } from './performance-watch.js';
import type { PortfolioState } from './portfolio-state.js';
import { summaryOf } from './summary.js';

/** How each figure of the summary is defined; the version changes with any of them. */
const formulas = {
  current_value: 'sum of quantity × price × exchange rate over the positions, order-free exact sum',
  mean: 'arithmetic mean of the values in the window',
  std: 'population standard deviation, √(M2 / n); std_sample: √(M2 / (n − 1))',
  trend: 'least-squares slope over the index, units per value; from 10 values on',
  volatility:
    'population standard deviation of the newest 19 simple returns × √(periods per year); from 20 values on',
  momentum: 'momentum_p = v[n] / v[n − p] − 1',
  ewma: 'weights 1, λ, λ² … from the newest value back over the window, divided by their sum; volatility of simple returns about 0',
  drawdown:
    'current: highest value − newest; max: largest fall from a value to a later one inside the window',
  quantiles:
    'value of rank ⌊q · (n − 1)⌋, from a logarithmic-linear sketch of exactly the values in the window',
  annualisation:
    'mean spacing of the window in source time; 252 periods for daily data (1 to 1.6 days), else 365.25 days / spacing',
} as const;

const rules = {
  point:
    'every tick that is not late and on which a position depends, by its symbol or by an exchange rate that it changes, appends one value, once all positions have a price',
  late: 'a tick older than the live price of its symbol is stored and counted and moves nothing; one of the same source time corrects the price',
  positions:
    'a change of positions moves the value at once and appends nothing; the figures are of values as they were, trades included: position_changes of the summary says which of them compare values from before a change with values from after it; a change of currency starts the window anew',
  currency:
    'SYMBOL_CURRENCIES, else the quote of a pair (EURUSD, BTC/EUR), else DEFAULT_CURRENCY; rates from pairs of two ISO currencies: direct, inverse, over USD, over EUR',
} as const;

export interface ExplainParts {
  readonly engine: AnalyticsEngine;
  readonly feed: EngineFeed;
  readonly calculators: CalculatorRunner;
  readonly registry: CalculatorRegistry;
  readonly watch: PerformanceWatch;
}

/** Where the numbers of a summary come from: inputs, window bounds, formulas, calculators, time spent. */
export function explain(state: PortfolioState, parts: ExplainParts, nowMs: number): Record<string, unknown> {
  const { engine, feed, registry, calculators } = parts;
  const marked = engine.marked(state.id)!;
  const t0 = performance.now();
  const results = calculators.fresh(state);
  const t1 = performance.now();
  const summary = summaryOf(engine, state, results, nowMs);
  const t2 = performance.now();
  const health = calculators.health();
  return {
    portfolio_id: state.id,
    as_of: summary.as_of,
    data_age_ms: summary.data_age_ms,
    summary,
    inputs: {
      currency: state.portfolio.currency,
      revision: state.portfolio.revision,
      positions: marked.positions.map((position) => {
        const { symbol } = position;
        const currency = engine.prices.currencyOf(symbol);
        const index = engine.prices.find(symbol);
        return {
          symbol,
          quantity: position.quantity,
          price: position.price,
          price_ts: position.priceTsMs === null ? null : new Date(position.priceTsMs).toISOString(),
          price_age_ms: position.priceTsMs === null ? null : dataAgeMs(position.priceTsMs, nowMs),
          currency,
          exchange_rate: engine.fxRate(symbol, state.portfolio.currency) ?? null,
          market_value: position.marketValue,
          late_ticks: index === undefined ? 0 : engine.prices.late[index],
        };
      }),
      full_revaluation: finiteOrNull(engine.revaluation(state)),
    },
    window: {
      ...summary.window,
      values_ever: state.window.pushed,
      memory_bytes: state.window.bytes,
      memory_level: engine.budget.level,
      changes_of_positions: state.flowsInWindow().length,
    },
    formula_version: formulaVersion,
    formulas,
    rules,
    calculators: [...registry.all()].map(({ name, description, version, need, ...how }) => ({
      name,
      description,
      version,
      need,
      runs_in: 'module' in how ? 'worker thread' : 'event loop',
      runs: health.get(name)?.runs ?? 0,
      last_run_ms: health.get(name)?.lastRunMs ?? null,
      last_error: health.get(name)?.lastError ?? null,
      disabled: health.get(name)?.disabled ?? false,
    })),
    time_spent: {
      calculators_ms: t1 - t0,
      summary_ms: t2 - t1,
      update_ms: parts.watch.last.updateMs,
      queue_ticks: feed.waitingTicks,
    },
    engine: { ...engine.counts, last_seq: engine.lastSeq, portfolios: engine.portfolioCount },
  };
}
