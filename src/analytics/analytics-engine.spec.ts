import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PortfolioChanged } from '../domain/events.js';
import type { Position } from '../domain/portfolio.js';
import type { StoredTick } from '../domain/tick.js';
import { AnalyticsEngine } from './analytics-engine.js';
import { summaryOf } from './summary.js';
import { SymbolCurrencies } from './symbol-currencies.js';
import { WindowBudget } from './window-budget.js';

let seq = 0;
const tick = (symbol: string, price: number, tsMs = ++seq): StoredTick => ({
  symbol,
  price,
  tsMs,
  size: null,
  sourceId: null,
  seq: ++seq,
});
const put = (id: string, positions: Position[], currency = 'USD'): PortfolioChanged => ({
  kind: 'put',
  portfolio: { id, name: id, currency, positions, revision: ++seq, updatedAtMs: 0 },
});
const removed = (id: string): PortfolioChanged => ({ ...put(id, []), kind: 'deleted' });

const symbols = ['AAA', 'BBB', 'SAP', 'EURUSD', 'GBPEUR', 'BTCEUR'] as const;
const currencies = () => new SymbolCurrencies('USD', 'SAP=EUR');
const engineOf = () => new AnalyticsEngine(new WindowBudget(2 ** 30), currencies());

type Step = { tick: StoredTick } | { change: PortfolioChanged };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc
      .record({
        symbol: fc.constantFrom(...symbols),
        price: fc.double({ min: 0.01, max: 1e5, noNaN: true }),
        back: fc.constantFrom(0, 0, 0, 5),
      })
      .map(({ symbol, price, back }) => ({ tick: tick(symbol, price, ++seq - back) })),
    weight: 8,
  },
  {
    arbitrary: fc
      .record({
        id: fc.constantFrom('P', 'Q', 'R'),
        currency: fc.constantFrom('USD', 'EUR', 'GBP'),
        positions: fc.uniqueArray(
          fc.record({
            symbol: fc.constantFrom(...symbols),
            quantity: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
          }),
          { selector: (p) => p.symbol },
        ),
      })
      .map(({ id, currency, positions }) => ({ change: put(id, positions, currency) })),
    weight: 1,
  },
);

function apply(engine: AnalyticsEngine, steps: readonly Step[]): void {
  for (const s of steps) {
    if ('tick' in s) engine.applyTick(s.tick);
    else engine.applyChange(s.change);
  }
}

describe('AnalyticsEngine', () => {
  it('keeps the value equal to the full revaluation, through prices, rates, late ticks and position changes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const engine = engineOf();
        for (const s of steps) {
          apply(engine, [s]);
          for (const state of engine.allStates()) {
            const full = engine.revaluation(state);
            if (Number.isNaN(full)) expect(state.value).toBeNaN();
            else expect(Math.abs(state.value - full)).toBeLessThanOrEqual(Math.abs(full) * 1e-15 + 1e-9);
          }
        }
      }),
    );
  });

  it('comes to the same bits when it starts later from the prices and positions of that time', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 120 }), fc.nat(), (steps, at) => {
        const live = engineOf();
        const from = at % steps.length;
        apply(live, steps.slice(0, from));
        const late = engineOf();
        for (const symbol of [...symbols].reverse()) {
          const price = live.price(symbol);
          if (price) late.loadPrice({ symbol, ...price });
        }
        for (const state of live.allStates()) late.applyChange({ kind: 'put', portfolio: state.portfolio });
        apply(live, steps.slice(from));
        apply(late, steps.slice(from));
        for (const state of live.allStates()) {
          const other = late.state(state.id)!;
          expect([other.value, other.asOfMs]).toEqual([state.value, state.asOfMs]);
          expect(other.window.last).toBe(other.window.size === 0 ? Number.NaN : state.window.last);
        }
      }),
    );
  });

  it('appends one point per tick that touches a portfolio whose positions are all priced', () => {
    const engine = engineOf();
    engine.applyChange(
      put('P', [
        { symbol: 'AAA', quantity: 2 },
        { symbol: 'BBB', quantity: -1 },
      ]),
    );
    const held = () => engine.state('P')!.window;
    engine.applyTick(tick('AAA', 10));
    expect([held().size, engine.marked('P')!.value]).toEqual([0, null]);
    expect(engine.marked('P')!.reason).toBe('no price of BBB has been seen');
    engine.applyTick(tick('BBB', 5));
    engine.applyTick(tick('CCC', 1));
    engine.applyTick(tick('AAA', 11));
    expect([held().size, held().at(0), held().at(1)]).toEqual([2, 15, 17]);
    expect(engine.counts).toMatchObject({ applied: 4, updates: 3 });
  });

  it('counts late ticks and moves nothing for them; an equal time corrects the price', () => {
    const engine = engineOf();
    engine.applyChange(put('P', [{ symbol: 'AAA', quantity: 1 }]));
    engine.applyTick(tick('AAA', 10, 1_000));
    engine.applyTick(tick('AAA', 99, 999));
    expect(engine.marked('P')!.value).toBe(10);
    engine.applyTick(tick('AAA', 12, 1_000));
    expect(engine.marked('P')!.value).toBe(12);
    expect(engine.counts).toMatchObject({ applied: 2, late: 1, corrections: 1, updates: 2 });
    expect(engine.price('AAA')).toEqual({ price: 12, tsMs: 1_000 });
  });

  it('gives a portfolio without positions no value, and the reason', () => {
    const engine = engineOf();
    engine.applyChange(put('P', []));
    expect(engine.marked('P')).toMatchObject({
      value: null,
      reason: 'the portfolio has no positions',
      asOfMs: null,
    });
    engine.applyChange(put('P', [{ symbol: 'AAA', quantity: 1 }]));
    engine.applyTick(tick('AAA', 10));
    expect(engine.marked('P')).toMatchObject({ value: 10, reason: null });
    engine.applyChange(put('P', []));
    expect(engine.marked('P')).toMatchObject({ value: null, asOfMs: null });
    expect(engine.state('P')!.window.size).toBe(1);
  });

  it('values in the currency of the portfolio, over a pivot where it must, and follows the rate', () => {
    const engine = engineOf();
    engine.applyChange(put('P', [{ symbol: 'SAP', quantity: 10 }], 'GBP'));
    engine.applyTick(tick('SAP', 100));
    expect(engine.marked('P')!.reason).toBe('no exchange rate from EUR to GBP has been seen');
    engine.applyTick(tick('EURUSD', 1.25));
    engine.applyTick(tick('GBPUSD', 1.6));
    expect(engine.marked('P')!.value).toBe(100 * 10 * (1.25 * (1 / 1.6)));
    engine.applyTick(tick('FX:EUR/GBP', 0.8));
    expect(engine.marked('P')!.value).toBe(800);
    expect(engine.fxRate('SAP', 'GBP')).toBe(0.8);
    expect(engine.state('P')!.window.size).toBe(2);
  });

  it('starts the window anew when the currency changes, and forgets a deleted portfolio', () => {
    const engine = engineOf();
    engine.applyChange(put('P', [{ symbol: 'AAA', quantity: 1 }]));
    for (let i = 1; i <= 30; i++) engine.applyTick(tick('AAA', i));
    engine.applyTick(tick('EURUSD', 2));
    engine.applyChange(put('P', [{ symbol: 'AAA', quantity: 1 }], 'EUR'));
    expect(engine.state('P')!.window.size).toBe(0);
    expect(engine.marked('P')!.value).toBe(15);
    engine.applyChange(removed('P'));
    expect(engine.marked('P')).toBeUndefined();
    engine.applyTick(tick('AAA', 5));
    engine.applyChange(put('Q', [{ symbol: 'AAA', quantity: 3 }]));
    expect(engine.marked('Q')!.value).toBe(15);
    expect(engine.marked('Q')!.positions).toEqual([
      { symbol: 'AAA', quantity: 3, price: 5, priceTsMs: expect.any(Number), marketValue: 15 },
    ]);
  });

  it('values what is too large for an exact sum, and says so beyond the range of a double', () => {
    const engine = engineOf();
    engine.applyChange(
      put('P', [
        { symbol: 'AAA', quantity: 1e200 },
        { symbol: 'BBB', quantity: 1 },
      ]),
    );
    engine.applyTick(tick('AAA', 1e10));
    engine.applyTick(tick('BBB', 1));
    expect(engine.marked('P')!.value).toBe(1e210);
    engine.applyTick(tick('AAA', 1e150));
    expect(engine.marked('P')).toMatchObject({
      value: null,
      reason: expect.stringContaining('range of a double'),
    });
    engine.applyChange(put('P', [{ symbol: 'BBB', quantity: 1 }]));
    expect(engine.marked('P')!.value).toBe(1);
  });

  it('values what is too small for an exact sum', () => {
    const engine = engineOf();
    apply(engine, [
      { change: put('DUST', [{ symbol: 'AAA', quantity: 1e-12 }]) },
      { change: put('LESS', [{ symbol: 'AAA', quantity: 5e-324 }]) },
      {
        change: put('HEDGED', [
          { symbol: 'AAA', quantity: 3 },
          { symbol: 'BBB', quantity: -3 },
        ]),
      },
    ]);
    for (const price of [1e-9, 2e-9, 3]) apply(engine, [{ tick: tick('AAA', price) }]);
    apply(engine, [{ tick: tick('BBB', 3) }, { tick: tick('AAA', 3e-9) }]);
    expect(engine.state('DUST')!.value).toBe(1e-12 * 3e-9);
    expect(engine.state('DUST')!.window.at(0)).toBe(1e-12 * 1e-9);
    expect(engine.state('LESS')!.window.at(2)).toBe(1.5e-323);
    expect(engine.state('HEDGED')!.window.at(0)).toBe(0);
  });

  it('names each changed portfolio once, with the symbols that moved it', () => {
    const engine = engineOf();
    engine.applyChange(
      put('P', [
        { symbol: 'AAA', quantity: 1 },
        { symbol: 'BBB', quantity: 1 },
      ]),
    );
    engine.takeChanged();
    for (const s of ['AAA', 'BBB', 'AAA', 'CCC']) engine.applyTick(tick(s, 1));
    const changed = engine.takeChanged();
    expect(changed.map((state) => [state.id, engine.movedSymbols(state).sort()])).toEqual([
      ['P', ['AAA', 'BBB']],
    ]);
    expect(engine.takeChanged()).toEqual([]);
  });

  it('keeps back those whose announcement may wait, and names them once, in their turn', () => {
    const engine = engineOf();
    for (const id of ['P', 'Q', 'R']) engine.applyChange(put(id, [{ symbol: 'AAA', quantity: 1 }]));
    engine.takeChanged();
    for (const id of ['P', 'Q']) engine.setPatient(engine.state(id)!, true);
    engine.applyTick(tick('AAA', 10));
    engine.applyTick(tick('AAA', 11));
    expect([engine.changedCount, engine.patientCount]).toEqual([1, 2]);
    expect(engine.takeChanged(0).map((s) => s.id)).toEqual(['R']);
    expect(engine.takeChanged(1).map((s) => s.id)).toEqual(['P']);
    engine.applyTick(tick('AAA', 12));
    expect(engine.takeChanged().map((s) => s.id)).toEqual(['R', 'Q', 'P']);
    expect(engine.takeChanged()).toEqual([]);
    engine.setPatient(engine.state('P')!, false);
    engine.applyTick(tick('AAA', 13));
    expect(
      engine
        .takeChanged(0)
        .map((s) => s.id)
        .sort(),
    ).toEqual(['P', 'R']);
  });

  it('remembers what was turned over inside the window', () => {
    const engine = engineOf();
    engine.applyTick(tick('AAA', 10));
    engine.applyChange(put('P', [{ symbol: 'AAA', quantity: 5 }]));
    const state = engine.state('P')!;
    expect(state.flowsInWindow()).toEqual([]);
    engine.applyTick(tick('AAA', 10));
    engine.applyChange(put('P', [{ symbol: 'AAA', quantity: 2 }]));
    expect(state.flowsInWindow().map((f) => f.amount)).toEqual([30]);
  });

  it('says what a trade added to the value and which figures it is mixed into, as long as it is', () => {
    const engine = engineOf();
    engine.applyTick(tick('AAA', 10));
    engine.applyChange(put('P', [{ symbol: 'AAA', quantity: 10 }]));
    const state = engine.state('P')!;
    const changes = () => summaryOf(engine, state, {}, 0).position_changes;
    const ticks = (count: number): void => {
      for (let i = 0; i < count; i++) engine.applyTick(tick('AAA', 10));
    };
    const free = { in_window: 0, values_since_last: null, value_added: 0, mixed_figures: [] };
    ticks(30);
    expect(changes()).toEqual(free);
    engine.applyChange(put('P', [{ symbol: 'AAA', quantity: 4 }]));
    // The window has not seen it yet, the value has.
    expect(state.value).toBe(40);
    expect(changes()).toEqual({ ...free, in_window: 1, values_since_last: 0, value_added: -60 });
    ticks(1);
    const all = ['mean', 'std', 'std_sample', 'min', 'max', 'trend', 'ewma', 'drawdown', 'quantiles'];
    const momentum = ['momentum.momentum_1', 'momentum.momentum_5', 'momentum.momentum_10'];
    expect(changes()).toMatchObject({
      values_since_last: 1,
      mixed_figures: [...all, 'volatility', ...momentum],
    });
    // Prices stood still: what looks like a fall of 60 % is the sale, and is named as that.
    const summary = summaryOf(engine, state, {}, 0);
    expect([summary.momentum.momentum_1, summary.drawdown.max_fraction]).toEqual([-0.6, 0.6]);
    ticks(1);
    expect(changes().mixed_figures).toEqual([...all, 'volatility', ...momentum.slice(1)]);
    ticks(17);
    expect([changes().values_since_last, changes().mixed_figures]).toEqual([19, [...all, 'volatility']]);
    expect(summaryOf(engine, state, {}, 0).volatility).not.toBe(0);
    ticks(1);
    expect(changes().mixed_figures).toEqual(all);
    expect(summaryOf(engine, state, {}, 0).momentum.momentum_10).toBe(0);
    ticks(10_000);
    expect(changes()).toEqual(free);
  });
});

describe('WindowBudget', () => {
  it('cuts all windows to one level when memory is short, and depends on the counts alone', () => {
    const run = (skip: number): AnalyticsEngine => {
      const engine = new AnalyticsEngine(new WindowBudget(3_000_000), currencies());
      for (let p = 0; p < 20; p++)
        engine.applyChange(put(`P${p}`, [{ symbol: `S${p % 5}`, quantity: p + 1 }]));
      for (let i = skip; i < 60_000; i++) {
        if (i === 40_000)
          for (let p = 20; p < 40; p++)
            engine.applyChange(put(`P${p}`, [{ symbol: `S${p % 5}`, quantity: 1 }]));
        engine.applyTick({ ...tick(`S${i % 5}`, 100 + (i % 97), i), seq: i });
      }
      for (const state of engine.allStates()) engine.budget.bring(state.window);
      return engine;
    };
    const whole = run(0);
    const { level } = whole.budget;
    expect(level).toBeLessThan(10_000);
    expect(level).toBeGreaterThan(500);
    expect(whole.budget.bytes).toBeLessThanOrEqual(3_000_000);
    expect(whole.budget.evictions).toBeGreaterThan(0);
    let bytes = 0;
    for (const { window } of whole.allStates()) bytes += window.bytes;
    expect(bytes).toBeLessThanOrEqual(3_000_000);
    const later = run(20_000);
    expect(later.budget.level).toBe(level);
    for (const state of whole.allStates()) {
      const other = later.state(state.id)!;
      expect(other.window.statistics()).toEqual(state.window.statistics());
    }
    for (let p = 0; p < 38; p++) whole.applyChange(removed(`P${p}`));
    expect(whole.budget.level).toBe(10_000);
  });

  it('remembers when a batch came, not the batch', () => {
    const engine = engineOf();
    engine.applyChange(put('P', [{ symbol: 'AAA', quantity: 1 }]));
    const ticks = [tick('AAA', 10)];
    const batch = { ticks, ingestedAtMs: 5, storedAtMs: 7 };
    engine.beginBatch(batch);
    engine.applyTick(ticks[0]!);
    expect(engine.takeChanged().map((state) => state.batch)).toEqual([{ ingestedAtMs: 5, storedAtMs: 7 }]);
  });
});
