import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { asStored, seededTicks } from '../../test/factories/ticks.js';
import { EventBus } from '../domain/event-bus.js';
import type { PortfolioRevalued, SummaryReady } from '../domain/events.js';
import { Metrics } from '../observability/metrics.js';
import { AnalyticsEngine } from './analytics-engine.js';
import { AnalyticsMeter } from './analytics-meter.js';
import type { Calculator } from './calculators/calculator.js';
import { CalculatorRegistry } from './calculators/calculator-registry.js';
import { CalculatorRunner } from './calculators/calculator-runner.js';
import { SummaryPublisher } from './summary-publisher.js';

function setUp(intervalMs: number, ...calculator: readonly Calculator[]) {
  const engine = new AnalyticsEngine();
  const bus = new EventBus((_, error) => {
    throw error;
  });
  const metrics = new Metrics();
  const calculators = new CalculatorRunner(new CalculatorRegistry(calculator), metrics, () => {});
  const publisher = new SummaryPublisher(engine, bus, calculators, new AnalyticsMeter(metrics), intervalMs);
  const revalued: PortfolioRevalued[] = [];
  const summaries: SummaryReady[] = [];
  bus.on('portfolio.revalued', (event) => revalued.push(event));
  bus.on('summary.ready', (event) => summaries.push(event));
  for (const id of ['P', 'Q']) {
    engine.applyChange({
      kind: 'put',
      portfolio: {
        id,
        name: id,
        currency: 'USD',
        positions: [
          { symbol: 'A', quantity: 1 },
          { symbol: id, quantity: 1 },
        ],
        revision: 0,
        updatedAtMs: 0,
      },
    });
  }
  engine.takeChanged();
  let seq = 0;
  const apply = (symbols: string[], count = 1): void => {
    const ticks = asStored(
      seededTicks({ symbols, count, seed: seq + 1, startMs: Date.now() + seq * 1_000 }),
      seq + 1,
    );
    seq += count;
    engine.beginBatch({ ingestedAtMs: Date.now() - 5, storedAtMs: Date.now() - 2 });
    for (const tick of ticks) engine.applyTick(tick);
    publisher.applied(true);
  };
  return { engine, publisher, metrics, revalued, summaries, apply };
}

describe('SummaryPublisher', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('publishes once more when the results of calculators have come to where the figures are', () => {
    const newest: Calculator = {
      name: 'newest',
      description: 'the newest value',
      version: '1',
      need: 1,
      compute: ({ values }) => ({ value: values.at(-1)! }),
    };
    const { apply, summaries, engine, metrics } = setUp(100, newest);
    const ofP = () =>
      summaries
        .filter(({ portfolioId }) => portfolioId === 'P')
        .map(({ data }) => data as { current_value: number; calculators: { newest: { value: number } } });
    apply(['A', 'P'], 30);
    const [first] = ofP();
    expect(first!.calculators.newest.value).toBe(first!.current_value);
    jest.advanceTimersByTime(150);
    apply(['P'], 3);
    // Renewed a moment ago.
    expect(ofP().map(({ calculators }) => calculators.newest.value)).toEqual(
      Array(2).fill(first!.current_value),
    );
    jest.advanceTimersByTime(1_200);
    const [, second, third] = ofP();
    expect(third!.calculators.newest.value).toBe(second!.current_value);
    expect(second!.current_value).not.toBe(first!.current_value);
    jest.advanceTimersByTime(10_000);
    expect(ofP()).toHaveLength(3);
    // No tick has waited for it.
    expect(metrics.read('tidewatch_analytics_conflation_wait_seconds_count')[0]?.value).toBe(3);
    expect(metrics.read('tidewatch_analytics_publications_total')[0]!.value).toBeGreaterThan(3);
    // Nor for one that is gone.
    apply(['P'], 3);
    engine.applyChange({ kind: 'deleted', portfolio: engine.state('P')!.portfolio });
    const count = summaries.length;
    jest.advanceTimersByTime(10_000);
    expect(summaries).toHaveLength(count);
  });

  it('publishes a first change at once, what follows when the interval is over, and nothing after that', () => {
    const { apply, summaries, metrics } = setUp(100);
    apply(['A', 'P', 'Q'], 30);
    expect(summaries.map((s) => s.portfolioId)).toEqual(['P', 'Q']);
    jest.advanceTimersByTime(20);
    apply(['P'], 3);
    apply(['P'], 3);
    expect(summaries).toHaveLength(2);
    jest.advanceTimersByTime(70);
    expect(summaries).toHaveLength(2);
    jest.advanceTimersByTime(20);
    expect(summaries.map((s) => s.portfolioId)).toEqual(['P', 'Q', 'P']);
    jest.advanceTimersByTime(1_000);
    expect(summaries).toHaveLength(3);
    expect(metrics.read('tidewatch_analytics_publications_total')[0]?.value).toBe(3);
    expect(metrics.read('tidewatch_analytics_conflated_total')[0]?.value).toBe(1);
  });

  it('publishes the newest state with the stamps of its newest tick', () => {
    const { apply, summaries, engine } = setUp(100);
    apply(['A', 'P', 'Q'], 30);
    apply(['P'], 5);
    jest.advanceTimersByTime(150);
    const last = summaries.at(-1)!;
    const state = engine.state('P')!;
    expect(last.data.current_value).toBe(state.value);
    expect(last.hops).toEqual({
      sourceMs: state.sourceMs,
      ingestedMs: state.batch!.ingestedAtMs,
      storedMs: state.batch!.storedAtMs,
      computedMs: expect.any(Number),
      dueMs: expect.any(Number),
    });
  });

  it.each([0, 60_000, -60_000])('tells the wait from the latency, the clock set by %i ms', (setByMs) => {
    jest.setSystemTime(Date.now() + setByMs);
    const { apply, summaries, metrics } = setUp(100);
    apply(['A', 'P', 'Q'], 30);
    expect(summaries[0]!.hops.dueMs).toBe(summaries[0]!.hops.computedMs);
    jest.advanceTimersByTime(30);
    apply(['P']);
    jest.advanceTimersByTime(500);
    const { dueMs, computedMs } = summaries.at(-1)!.hops;
    expect(dueMs - computedMs).toBeGreaterThanOrEqual(68);
    expect(dueMs - computedMs).toBeLessThanOrEqual(72);
    const read = (name: string): number => metrics.read(name)[0]!.value;
    expect(read('tidewatch_analytics_conflation_wait_seconds_sum')).toBeCloseTo(
      (dueMs - computedMs) / 1_000,
      6,
    );
    // Each was accepted 5 ms before it was applied; slots of the schedule are 2 ms wide.
    expect(read('tidewatch_analytics_publish_latency_seconds_sum')).toBeGreaterThanOrEqual(0.015);
    expect(read('tidewatch_analytics_publish_latency_seconds_sum')).toBeLessThanOrEqual(0.02);
  });

  it('publishes what nobody follows after the rest, and all of it in the end', () => {
    const { apply, summaries, publisher } = setUp(100);
    publisher.isFollowed = (id) => id === 'Q';
    apply(['A', 'P', 'Q'], 30);
    expect(summaries.map((s) => s.portfolioId)).toEqual(['Q', 'P']);
    for (let i = 0; i < 10; i++) {
      apply(['P', 'Q'], 4);
      jest.advanceTimersByTime(10);
    }
    jest.advanceTimersByTime(1_000);
    expect(
      summaries
        .slice(2)
        .map((s) => s.portfolioId)
        .sort(),
    ).toEqual(['P', 'Q']);
  });

  it('makes no summary that nobody gets, and announces a change at once from the moment somebody follows', () => {
    const { apply, summaries, revalued, publisher, engine } = setUp(100);
    const followed = new Set<string>();
    publisher.isFollowed = (id) => followed.has(id);
    publisher.passOver = () => true;
    for (let i = 0; i < 5; i++) {
      apply(['A', 'P', 'Q'], 6);
      jest.advanceTimersByTime(200);
    }
    expect(summaries).toEqual([]);
    expect(new Set(revalued.map((r) => r.portfolioId))).toEqual(new Set(['P', 'Q']));
    expect(publisher.pending).toBe(0);
    // No time is left for what may wait.
    jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    for (let i = 0; i < 40; i++) apply(['A', 'P', 'Q'], 3);
    const before = revalued.length;
    followed.add('P');
    publisher.follow([engine.state('P')!]);
    apply(['A', 'P']);
    expect(revalued.slice(before).map((r) => r.portfolioId)).toContain('P');
    expect(summaries.map((s) => s.portfolioId)).toEqual(['P']);
    jest.restoreAllMocks();
  });

  it('publishes every one that is followed with a family, also without a change', () => {
    const { apply, summaries, publisher, engine } = setUp(100);
    let followed = false;
    publisher.isFollowed = () => followed;
    publisher.passOver = () => !followed;
    apply(['A', 'P', 'Q'], 6);
    jest.advanceTimersByTime(1_000);
    followed = true;
    publisher.publishAll(engine.allStates());
    jest.advanceTimersByTime(10);
    expect(summaries.map((s) => s.portfolioId)).toEqual(['P', 'Q']);
  });

  it('publishes at once again what somebody begins to follow', () => {
    const { apply, summaries, publisher } = setUp(0);
    let followed = false;
    publisher.isFollowed = () => followed;
    jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    for (let i = 0; i < 3; i++) apply(['P']);
    followed = true;
    apply(['P']);
    expect(summaries.at(-1)?.portfolioId).toBe('P');
    jest.restoreAllMocks();
  });

  it('publishes every change with an interval of 0', () => {
    const { apply, summaries } = setUp(0);
    for (let i = 0; i < 5; i++) apply(['P']);
    expect(summaries).toHaveLength(5);
  });

  it('announces each marked portfolio once per batch, with the symbols that moved', () => {
    const { apply, revalued } = setUp(100);
    apply(['A', 'P', 'Q'], 40);
    expect(revalued.map((r) => r.portfolioId).sort()).toEqual(['P', 'Q']);
    expect([...revalued.find((r) => r.portfolioId === 'P')!.symbols].sort()).toEqual(['A', 'P']);
    apply(['Q'], 10);
    expect(revalued.slice(2)).toMatchObject([
      { portfolioId: 'Q', symbols: ['Q'], value: expect.any(Number) },
    ]);
  });

  it('publishes nothing of a portfolio that was deleted while it waited', () => {
    const { apply, summaries, engine } = setUp(100);
    apply(['A', 'P', 'Q'], 30);
    apply(['P']);
    engine.applyChange({ kind: 'deleted', portfolio: engine.state('P')!.portfolio });
    jest.advanceTimersByTime(500);
    expect(summaries).toHaveLength(2);
  });

  it('stops', () => {
    const { apply, summaries, publisher } = setUp(100);
    publisher.stop();
    apply(['A', 'P', 'Q'], 30);
    jest.advanceTimersByTime(500);
    expect(summaries).toHaveLength(0);
  });
});
