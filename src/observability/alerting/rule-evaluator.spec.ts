import { describe, expect, it } from '@jest/globals';
import { poolConnectionErrors, writerRows } from '../catalogue/store.js';
import { Metrics } from '../metrics.js';
import { liveAlerts } from './live-rules.js';
import { MetricHistory } from './metric-history.js';
import { MetricsLeafSource } from './metrics-leaf-source.js';
import { RuleEvaluator } from './rule-evaluator.js';
import { rules } from './rules/index.js';
import { SignalReader } from './signal-reader.js';
import { loadThresholds } from './thresholds.js';

const roundMs = 5_000;

/** The shipped rules of one threshold, judged on metrics of the test's own, round by round. */
function judged(thresholdId: string) {
  const metrics = new Metrics();
  const history = new MetricHistory(new MetricsLeafSource(metrics));
  const live = liveAlerts(rules, loadThresholds()).filter(({ threshold }) => threshold.id === thresholdId);
  const evaluator = new RuleEvaluator(live, new SignalReader(history), () => {
    throw new Error('no row is judged here');
  });
  let nowMs = 0;
  /** @returns when which alert changed its phase, in seconds since the start */
  const rounds = (seconds: number, each: () => void = () => {}) => {
    const seen: string[] = [];
    for (const end = nowMs + seconds * 1000; nowMs < end; nowMs += roundMs) {
      each();
      history.sample(nowMs);
      for (const { alert, after, lapsed } of evaluator.evaluate(nowMs).changes)
        seen.push(`${nowMs / 1000} ${alert.name} ${after.phase}${lapsed ? ' without data' : ''}`);
    }
    return seen;
  };
  return { metrics, rounds, observed: () => evaluator.evaluate(nowMs).observed };
}

describe('rules over counted events, judged in the process', () => {
  it('know that nothing happened: none is a number, and no missing data', () => {
    const { metrics, rounds, observed } = judged('pool_invalid_connections');
    metrics.counter(poolConnectionErrors, { pool: 'reader' }).inc(0);
    expect(rounds(60)).toEqual([]);
    expect(observed()).toMatchObject([{ value: 0, idle: false }]);
  });

  it('end by their own time when the events stop, and not as unknown', () => {
    const { metrics, rounds } = judged('pool_invalid_connections');
    const errors = metrics.counter(poolConnectionErrors, { pool: 'reader' });
    errors.inc(0);
    rounds(60);
    errors.inc(6);
    expect(rounds(5)).toEqual(['60 PoolInvalidConnections firing']);
    // They leave the window of five minutes, and it fires on for five more.
    expect(rounds(900)).toEqual(['660 PoolInvalidConnections resolved']);
  });

  it('see a feed that stops', () => {
    const { metrics, rounds } = judged('market_data_silent');
    const ticks = metrics.counter(writerRows, { writer: 'ticks' });
    expect(rounds(120, () => ticks.inc(10))).toEqual([]);
    const seen = rounds(300);
    expect(seen).toEqual([
      expect.stringMatching(/MarketDataSilent pending$/),
      expect.stringMatching(/MarketDataSilent firing$/),
    ]);
    expect(rounds(120, () => ticks.inc(10))).toEqual([expect.stringMatching(/MarketDataSilent resolved$/)]);
  });
});
