import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { golden, relativeError } from '../../test/golden/risk/golden.js';
import { annualisedReturn } from './annualised-return.js';
import { calmarRatio } from './calmar-ratio.js';
import { informationRatio } from './information-ratio.js';
import { marketModel } from './market-model.js';
import { maxDrawdown } from './max-drawdown.js';
import { portfolioReturns } from './portfolio-returns.js';
import { sharpeRatio } from './sharpe-ratio.js';
import { downsideDeviation, sortinoRatio } from './sortino-ratio.js';
import { trackingError } from './tracking-error.js';
import { wealthIndex } from './wealth-index.js';

describe('performance measures', () => {
  const pnl = portfolioReturns(golden.market.returns, golden.market.weights);
  const benchmark = golden.market.returns[0]!;
  const g = golden.performance;

  it('equal pandas, statsmodels and numpy', () => {
    const excess = pnl.map((r) => r - g.risk_free);
    const model = marketModel(
      excess,
      benchmark.map((r) => r - g.risk_free),
    );
    const actual = [
      sharpeRatio(pnl, g.risk_free)!,
      sortinoRatio(pnl, g.risk_free)!,
      annualisedReturn(pnl),
      calmarRatio(pnl)!,
      model.alpha!,
      model.beta!,
      trackingError(pnl, benchmark),
      informationRatio(pnl, benchmark)!,
    ];
    const expected = [
      g.sharpe,
      g.sortino,
      g.annual,
      g.calmar,
      g.alpha,
      g.beta,
      g.tracking_error,
      g.information_ratio,
    ];
    expect(relativeError(actual, expected)).toBeLessThan(1e-10);
  });

  it('drawdown equals pandas, and names peak, trough and recovery', () => {
    const drawdown = maxDrawdown(wealthIndex(pnl));
    expect(drawdown.depth).toBeCloseTo(g.depth, 13);
    expect([drawdown.peak, drawdown.trough, drawdown.recovery]).toEqual([g.peak, g.trough, g.recovery]);
    expect(maxDrawdown([100, 120, 90, 130])).toEqual({ depth: 0.25, peak: 1, trough: 2, recovery: 3 });
    expect(maxDrawdown([1, 2, 3])).toEqual({ depth: 0, peak: 0, trough: 0, recovery: 0 });
    expect(maxDrawdown([4])).toEqual({ depth: 0, peak: 0, trough: 0, recovery: 0 });
  });

  it('is null, not 0 or NaN, where a ratio is undefined', () => {
    const flat = [0.01, 0.01, 0.01];
    expect(sharpeRatio(flat)).toBeNull();
    expect(sortinoRatio(flat)).toBeNull();
    expect(calmarRatio(flat)).toBeNull();
    expect(informationRatio(flat, flat)).toBeNull();
    expect(marketModel([0.1, 0.2], [0.1, 0.1])).toEqual({ beta: null, alpha: null });
  });

  it('refuses empty, NaN and a total loss', () => {
    expect(() => maxDrawdown([])).toThrow(RangeError);
    expect(() => maxDrawdown([1, 0])).toThrow(RangeError);
    expect(() => sharpeRatio([0.1])).toThrow(RangeError);
    expect(() => annualisedReturn([-1])).toThrow(/everything/);
    expect(() => trackingError([1, 2], [1])).toThrow(RangeError);
    expect(() => sharpeRatio([1, 2, 3], [1, 2])).toThrow(RangeError);
  });

  // Carl Bacon, "Practical Portfolio Performance Measurement and Attribution", 2nd ed. 2008, as
  // PerformanceAnalytics' documentation quotes it for the same 24 months: downside deviation against 0.5 % a month
  // = 0.0255.
  it('equals the published downside deviation of the portfolio in Bacon', () => {
    const file = new URL('../../../shared/data/performanceanalytics/portfolio-bacon.csv', import.meta.url);
    if (!existsSync(file)) {
      console.info('portfolio-bacon.csv is not at hand: the published value was not compared');
      return;
    }
    const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1);
    const monthly = lines.map((line) => Number(line.split(',')[1]));
    expect(downsideDeviation(monthly, 0.005)).toBeCloseTo(0.0255, 4);
  });
});
