import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeCloses } from '../../../test/factories/fake-closes.js';
import { FakePortfolioBook } from '../../../test/factories/fake-portfolio-book.js';
import { Config } from '../../config/config.js';
import { EventBus } from '../../domain/event-bus.js';
import type { RiskReady } from '../../domain/events.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Logger } from '../../observability/logger.js';
import { Metrics } from '../../observability/metrics.js';
import type { RiskCompute } from '../compute/risk-compute.js';
import { type RiskTask, runRiskTask } from '../compute/risk-task.js';
import { HistoryService } from '../history/history.service.js';
import { LiveRiskService } from './live-risk.service.js';
import { RevaluationService } from './revaluation.service.js';
import type { RiskFigures } from './risk-figures.js';

const open: Lifecycle[] = [];
afterEach(async () => {
  for (const lifecycle of open.splice(0)) await lifecycle.shutdown();
});

function harness(settings: Record<string, string> = {}) {
  const bus = new EventBus((name, error) => {
    throw new Error(`${name}: ${error}`);
  });
  const config = Config.from({ RISK_PUBLISH_MS: '20', RISK_LIVE_PATHS: '1000', ...settings });
  const lifecycle = new Lifecycle();
  open.push(lifecycle);
  const metrics = new Metrics();
  const book = new FakePortfolioBook(bus);
  const closes = new FakeCloses();
  const compute = {
    background: async (task: RiskTask) => runRiskTask(task),
  } as unknown as RiskCompute;
  const live = new LiveRiskService(
    book,
    new HistoryService(closes, config),
    bus,
    compute,
    config,
    lifecycle,
    metrics,
    Logger.silent(),
  );
  const revaluation = new RevaluationService(live, book, lifecycle, metrics);
  const published: RiskReady[] = [];
  bus.on('risk.ready', (e) => published.push(e));
  const losses: [string, string | null][] = [];
  live.onLoss((id, refusal) => losses.push([id, refusal?.code ?? null]));
  return { bus, book, closes, live, revaluation, published, losses, metrics };
}

async function until<T>(what: () => T | undefined | false): Promise<T> {
  // Five seconds of turns: a busy machine is slow, not wrong.
  for (const end = Date.now() + 5_000; Date.now() < end; ) {
    const value = what();
    if (value) return value;
    await sleep(5);
  }
  throw new Error('it did not happen');
}

describe('LiveRiskService', () => {
  it('goes live when prices and history are there, and publishes what a full revaluation confirms', async () => {
    const { book, closes, live, revaluation, published } = harness();
    closes.walk('A', 300, 1);
    closes.walk('B', 300, 2);
    book.put('P', { A: 10, B: -5 });
    await until(() => live.refusal('P')?.code === 'MISSING_PRICE');
    book.tick('A', 100);
    book.tick('B', 50);
    await until(() => published.length > 0 && live.entry('P')?.state.paths);
    for (let k = 0; k < 50; k++) book.tick('A', 100 + Math.sin(k));
    const difference = revaluation.revalue('P');
    expect(difference).not.toBeNull();
    expect(difference).toBeLessThan(1e-9);
    const figures = live.entry('P')!.figures!;
    expect(figures.value).toBeCloseTo(10 * (100 + Math.sin(49)) - 250, 9);
    expect(figures.tails.monteCarlo).not.toBeNull();
    await until(() => published.some((e) => e.data.value === figures.value));
    expect(published.at(-1)!.data).toMatchObject({
      portfolio_id: 'P',
      confidence: 0.99,
      horizon_days: 1,
      observations: 299,
      methods: { monte_carlo: { paths: 1000, seed: 1 } },
    });
  });

  it('conflates: many ticks, few publications', async () => {
    const { book, closes, live, published } = harness({ RISK_PUBLISH_MS: '100' });
    closes.walk('A', 100, 1);
    book.tick('A', 100);
    book.put('P', { A: 1 });
    await until(() => live.entry('P')?.figures);
    const before = published.length;
    const started = Date.now();
    for (let k = 0; Date.now() - started < 250; k++) {
      book.tick('A', 100 + k);
      await sleep(1);
    }
    const periods = Math.ceil((Date.now() - started) / 100);
    expect(published.length - before).toBeLessThanOrEqual(periods + 1);
    await until(() => published.length > before);
  });

  it('waits with a reason for a history that is missing or short', async () => {
    const { book, closes, live, losses } = harness();
    closes.walk('SHORT', 20, 1);
    book.tick('SHORT', 1);
    book.tick('NONE', 1);
    book.put('P', { SHORT: 1 });
    book.put('Q', { NONE: 1 });
    await until(() => live.refusal('Q')?.code === 'MISSING_HISTORY');
    expect(live.refusal('P')).toMatchObject({
      code: 'SHORT_HISTORY',
      reason: expect.stringContaining('at least 30'),
    });
    expect(losses).toEqual([
      ['P', 'SHORT_HISTORY'],
      ['Q', 'MISSING_HISTORY'],
    ]);
  });

  it('a state that cannot be built says so, is counted, and is built once it can be', async () => {
    const { book, closes, live, losses, metrics } = harness();
    closes.walk('A', 100, 1);
    closes.broken = true;
    book.tick('A', 1);
    book.put('P', { A: 1 });
    await until(() => live.refusal('P')?.code === 'STATE_FAILED');
    expect(losses).toEqual([['P', 'STATE_FAILED']]);
    expect(metrics.read('tidewatch_risk_state_failures_total')[0]!.value).toBeGreaterThan(0);
    closes.broken = false;
    book.put('P', { A: 2 });
    await until(() => live.entry('P')?.figures);
    expect(live.refusal('P')).toBeUndefined();
  });

  it('follows changes of quantities in place, of symbols by a new state, and forgets what is deleted', async () => {
    const { book, closes, live, losses } = harness();
    for (const [i, s] of ['A', 'B'].entries()) {
      closes.walk(s, 200, i);
      book.tick(s, 10);
    }
    book.put('P', { A: 1 });
    const state = (await until(() => live.entry('P')))?.state;
    book.put('P', { A: 3 });
    await until(() => live.entry('P')?.figures?.value === 30);
    expect(live.entry('P')!.state).toBe(state);
    book.put('P', { A: 3, B: 1 });
    await until(() => live.entry('P')?.figures?.value === 40);
    expect(live.entry('P')!.state).not.toBe(state);
    book.put('P', {});
    await until(() => live.entry('P')?.figures?.value === 0);
    expect(live.entry('P')!.figures!.tails.historical[1]!.var).toBe(0);
    book.delete('P');
    expect(live.entry('P')).toBeUndefined();
    expect(losses.at(-1)).toEqual(['P', null]);
  });

  it('keeps to its memory: what was not used for longest is evicted and says so', async () => {
    const { book, closes, live, metrics } = harness({
      RISK_STATE_MAX_BYTES: String(2 ** 20),
      RISK_LIVE_PATHS: '0',
    });
    const evicted = new Promise<string>((resolve) => {
      live.onLoss((id, refusal) => refusal?.code === 'EVICTED' && resolve(id));
    });
    // Two covariance matrices of 512 KB each are one too many.
    const symbols = Array.from({ length: 250 }, (_, i) => `S${i}`);
    for (const [i, s] of symbols.entries()) {
      closes.walk(s, 40, i);
      book.tick(s, 10);
    }
    for (const id of ['OLD', 'NEW']) book.put(id, Object.fromEntries(symbols.map((s) => [s, 1])));
    expect(await evicted).toBe('OLD');
    expect(live.refusal('OLD')?.code).toBe('EVICTED');
    expect(live.entry('OLD')).toBeUndefined();
    expect(live.entry('NEW')).toBeDefined();
    const bytes = metrics.read('tidewatch_risk_state_bytes').reduce((sum, s) => sum + s.value, 0);
    expect(bytes).toBeLessThanOrEqual(2 ** 20);
    const evictions = metrics.read('tidewatch_risk_state_evictions_total');
    expect(evictions.find((s) => s.labels.part === 'portfolios')!.value).toBe(1);
  }, 20_000);

  it('values positions at FX rates', async () => {
    const { book, closes, live } = harness();
    closes.walk('SAP', 100, 3);
    book.rates.set('SAP', 1.1);
    book.tick('SAP', 200);
    book.put('P', { SAP: 2 });
    const figures = await until((): RiskFigures | null | undefined => live.entry('P')?.figures);
    expect(figures!.value).toBeCloseTo(440, 10);
  });
});
