import { afterEach, describe, expect, it } from '@jest/globals';
import { liveRisk, until } from '../../../test/factories/live-risk.js';
import { historicalVar } from '../../kernel/historical-var.js';
import { portfolioReturns } from '../../kernel/portfolio-returns.js';
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Logger } from '../../observability/logger.js';
import type { RiskCompute } from '../compute/risk-compute.js';
import { type RiskTask, runRiskTask } from '../compute/risk-task.js';
import { ModelQualityService } from './model-quality.service.js';

const open: Lifecycle[] = [];
afterEach(async () => {
  for (const lifecycle of open.splice(0)) await lifecycle.shutdown();
});

/** Portfolios P and Q of 600 days, SHORT of 100; tasks fail while `broken` says so. */
async function tested(broken: () => boolean = () => false) {
  const risk = liveRisk();
  open.push(risk.lifecycle);
  const compute = {
    background: async (task: RiskTask) => {
      if (broken()) throw new Error('the worker is gone');
      return runRiskTask(task);
    },
  } as unknown as RiskCompute;
  const quality = new ModelQualityService(
    risk.live,
    compute,
    risk.book,
    risk.metrics,
    risk.config,
    risk.lifecycle,
    Logger.silent(),
  );
  for (const [i, [symbol, days]] of (
    [
      ['A', 600],
      ['B', 600],
      ['S', 100],
    ] as const
  ).entries()) {
    risk.closes.walk(symbol, days, i + 1);
    risk.book.tick(symbol, 100);
  }
  risk.book.put('P', { A: 10 });
  risk.book.put('Q', { A: 5, B: -3 });
  risk.book.put('SHORT', { S: 1 });
  await until(() => risk.live.entry('P')?.figures && risk.live.entry('Q') && risk.live.entry('SHORT'));
  const of = (metric: string, portfolio: string) =>
    risk.metrics.read(metric).find((s) => s.labels.portfolio === portfolio)?.value;
  return { ...risk, quality, of };
}

describe('ModelQualityService', () => {
  it('counts the days on which the loss exceeded the VaR of the 250 days before them', async () => {
    const { quality, live, of } = await tested();
    await quality.round();
    const { state } = live.entry('Q')!;
    const pnl = portfolioReturns(state.lease.returns, state.exposures).slice(-500);
    let exceptions = 0;
    for (let t = 250; t < 500; t++) {
      if (-pnl[t]! > historicalVar(pnl.slice(t - 250, t), 0.99)) exceptions++;
    }
    const report = quality.report('Q');
    expect(report).toMatchObject({ observations: 250, exceptions, confidence: 0.99, forecast_window: 250 });
    expect(report).toMatchObject({
      inputs_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      runtime_ms: expect.any(Number),
    });
    expect(of('tidewatch_risk_var_exceptions', 'Q')).toBe(exceptions);
    const { kupiec } = report as { kupiec?: { p_value: number } };
    expect(of('tidewatch_risk_kupiec_p_value', 'Q')).toBe(kupiec!.p_value);
    expect(of('tidewatch_risk_backtest_timestamp_seconds', 'Q')! * 1000).toBeGreaterThan(Date.now() - 60_000);
  });

  it('says why there is none, and has no series then', async () => {
    const { quality, of, book } = await tested();
    await quality.round();
    expect(quality.report('SHORT')).toMatchObject({
      observations: null,
      reason: expect.stringContaining('99 observations, at least 280'),
    });
    expect(of('tidewatch_risk_var_exceptions', 'SHORT')).toBeUndefined();
    expect(of('tidewatch_risk_var_exceptions', 'P')).toBeDefined();
    book.delete('P');
    expect(of('tidewatch_risk_var_exceptions', 'P')).toBeUndefined();
    expect(() => quality.report('P')).toThrow(/P/);
  });

  it('gauges count who is tested, who waits and who cannot be, and say how old the oldest test or wait is', async () => {
    const order: number[] = [];
    let failing = true;
    const { quality, live, metrics, of } = await tested(() => failing);
    const value = (name: string, state?: string) =>
      metrics.read(name).find((s) => state === undefined || s.labels.state === state)?.value;
    const before = Date.now() / 1000;
    await quality.round();
    expect(value('tidewatch_risk_backtest_portfolios', 'waiting')).toBe(2);
    expect(value('tidewatch_risk_backtest_portfolios', 'short')).toBe(1);
    expect(value('tidewatch_risk_oldest_backtest_timestamp_seconds')).toBeGreaterThanOrEqual(before - 1);
    failing = false;
    await quality.round();
    expect(value('tidewatch_risk_backtest_portfolios', 'waiting')).toBe(0);
    expect(value('tidewatch_risk_backtest_portfolios', 'tested')).toBe(2);
    for (const id of ['P', 'Q']) {
      expect(live.entry(id)).toBeDefined();
      order.push(of('tidewatch_risk_backtest_timestamp_seconds', id)!);
    }
    expect(value('tidewatch_risk_oldest_backtest_timestamp_seconds')).toBeCloseTo(Math.min(...order), 3);
  });

  it('a portfolio that goes while its backtest runs gets neither a report nor series', async () => {
    let drop = () => {};
    const { quality, of, book } = await tested(() => {
      drop();
      return false;
    });
    drop = () => {
      book.delete('P');
      book.delete('Q');
    };
    await quality.round();
    for (const id of ['P', 'Q']) {
      expect(of('tidewatch_risk_var_exceptions', id)).toBeUndefined();
      expect(of('tidewatch_risk_backtest_timestamp_seconds', id)).toBeUndefined();
    }
  });

  it('a backtest that fails keeps no other from being made, and is tried again', async () => {
    let calls = 0;
    const { quality } = await tested(() => calls++ === 0);
    await quality.round();
    const missing = ['P', 'Q'].filter((id) => quality.report(id).observations === null);
    expect(missing).toHaveLength(1);
    await quality.round();
    expect(quality.report(missing[0]!).observations).toBe(250);
  });
});
