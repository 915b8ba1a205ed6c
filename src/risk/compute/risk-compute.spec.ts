import { afterEach, describe, expect, it } from '@jest/globals';
import { Config } from '../../config/config.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Metrics } from '../../observability/metrics.js';
import { panelOf } from './return-panel.js';
import { RiskCompute } from './risk-compute.js';
import type { RiskTask } from './risk-task.js';
import { runRiskTask } from './risk-task.js';
import { defaultVarOptions } from './var-options.js';

const noise = (i: number): number => ((Math.sin(i * 12.9898 + 1) * 43758.5453) % 1) / 50;

function varTask(
  change: Partial<Extract<RiskTask, { kind: 'var' }>> = {},
): Extract<RiskTask, { kind: 'var' }> {
  const series = [0, 1, 2].map((i) => Array.from({ length: 250 }, (_, t) => noise(i * 1009 + t)));
  return {
    kind: 'var',
    panel: panelOf(series),
    covariance: null,
    means: null,
    exposures: Float64Array.of(1000, 500, -200),
    method: 'historical',
    confidence: 0.99,
    horizonDays: 1,
    options: defaultVarOptions,
    ...change,
  };
}

const heavy = (seed: number, paths = 100_000) =>
  varTask({ method: 'monte_carlo', options: { ...defaultVarOptions, seed, paths } });

/** Many seconds of work on little memory. */
const endless = (variant: number): RiskTask => ({
  kind: 'rolling_backtest',
  pnl: Float64Array.from({ length: 100_000 }, (_, i) => noise(i + variant)),
  window: 50_000,
  confidence: 0.99,
});

describe('RiskCompute', () => {
  const open: RiskCompute[] = [];
  function compute(settings: Record<string, string> = {}): {
    compute: RiskCompute;
    outcomes: () => string[];
  } {
    const metrics = new Metrics();
    const made = new RiskCompute(Config.from(settings), new Lifecycle(), metrics);
    open.push(made);
    const outcomes = () =>
      metrics
        .read('tidewatch_risk_tasks_total')
        .map((s) => `${s.labels.kind} ${s.labels.outcome} ${s.value}`);
    return { compute: made, outcomes };
  }
  afterEach(async () => {
    for (const made of open.splice(0)) await made.close();
  });

  it('gives the same figures inline and on a worker, with the hash of the inputs', async () => {
    const { compute: risk } = compute();
    const task = heavy(7);
    const there = await risk.run(task);
    expect(there.result).toEqual(runRiskTask(task));
    expect(there.inputsHash).toMatch(/^[0-9a-f]{64}$/);
    expect(there.runtimeMs).toBeGreaterThan(0);
    const here = await risk.run(varTask());
    expect(here.result).toEqual(runRiskTask(varTask()));
    expect(here.inputsHash).not.toBe(there.inputsHash);
  });

  it('answers the second equal request from the cache and runs simultaneous ones once', async () => {
    const { compute: risk, outcomes } = compute();
    const [a, b] = await Promise.all([risk.run(heavy(1)), risk.run(heavy(1))]);
    expect(a.result).toEqual(b.result);
    expect((await risk.run(heavy(1))).cached).toBe(true);
    expect((await risk.run(heavy(2))).cached).toBe(false);
    expect(outcomes().sort()).toEqual(['var cached 1', 'var ok 2', 'var shared 1']);
  });

  it('refuses input without an answer, inline and on a worker, with the reason', async () => {
    const { compute: risk } = compute();
    const short = panelOf([[0.01]]);
    const inline = varTask({ panel: short, exposures: Float64Array.of(1), method: 'parametric' });
    await expect(risk.run(inline)).rejects.toMatchObject({ status: 422, code: 'NO_ANSWER' });
    const remote = heavy(1);
    await expect(risk.run({ ...remote, exposures: Float64Array.of(1, Number.NaN, 1) })).rejects.toMatchObject(
      {
        status: 422,
        code: 'NO_ANSWER',
      },
    );
  });

  it('refuses at once when the queue is full, and ends what misses its deadline', async () => {
    const { compute: risk, outcomes } = compute({ RISK_QUEUE_MAX: '1', RISK_DEADLINE_MS: '700' });
    await risk.warm();
    const answers = await Promise.allSettled([1, 2, 3, 4].map((variant) => risk.run(endless(variant))));
    const codes = answers.map((a) => (a.status === 'rejected' ? a.reason.code : 'answered'));
    expect(codes).toEqual(['RISK_DEADLINE', 'RISK_DEADLINE', 'RISK_BUSY', 'RISK_BUSY']);
    expect(outcomes().sort()).toEqual(['rolling_backtest deadline 2', 'rolling_backtest queue_full 2']);
  });

  it('stops a calculation that nobody waits for, and goes on with the next', async () => {
    const { compute: risk, outcomes } = compute();
    await risk.warm();
    const gone = new AbortController();
    const settled = expect(risk.run(endless(5), { signal: gone.signal })).rejects.toMatchObject({
      code: 'CLIENT_CLOSED_REQUEST',
    });
    setTimeout(() => gone.abort(), 50);
    await settled;
    expect((await risk.run(heavy(4))).result.var).toBeGreaterThan(0);
    expect(outcomes()).toContain('rolling_backtest cancelled 1');
  });
});
