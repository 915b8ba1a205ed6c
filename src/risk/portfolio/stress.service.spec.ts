import { describe, expect, it } from '@jest/globals';
import { FakeCloses } from '../../../test/factories/fake-closes.js';
import { FakePortfolioBook } from '../../../test/factories/fake-portfolio-book.js';
import { EventBus } from '../../domain/event-bus.js';
import { StressService } from './stress.service.js';

describe('StressService', () => {
  /** 1,000 USD of SAP quoted in EUR, 500 USD of TM over USDJPY, 700 USD of IBM. */
  function service(closes = new FakeCloses()) {
    const book = new FakePortfolioBook(new EventBus());
    book.tick('SAP', 80);
    book.tick('TM', 5_000);
    book.tick('IBM', 70);
    book.rates.set('SAP', 1.25).set('TM', 0.01);
    book.pairs
      .set('SAP', [{ pair: 'EURUSD', inverse: false }])
      .set('TM', [{ pair: 'USDJPY', inverse: true }]);
    book.put('P', { SAP: 10, TM: 10, IBM: 10 });
    return new StressService(book, closes);
  }
  const loss = async (shocks: Record<string, number>) => (await service().run('P', { shocks })).scenarios[0]!;

  it('a shock of an exchange rate moves what it values; with a shock of the price they multiply', async () => {
    const fall = await loss({ EURUSD: -0.1 });
    expect(fall.loss).toBeCloseTo(100, 9);
    expect(fall).toMatchObject({ fx_shocked: ['EURUSD'] });
    expect(fall).not.toHaveProperty('not_held');
    expect((await loss({ 'FX:EUR/USD': -0.1, SAP: -0.2 })).loss).toBeCloseTo(1_000 * (1 - 0.9 * 0.8), 9);
    expect((await loss({ USDJPY: 0.25 })).loss).toBeCloseTo(500 * (1 - 1 / 1.25), 9);
    expect(await loss({ GBPUSD: -0.1 })).toMatchObject({ loss: 0, not_held: ['GBPUSD'] });
    await expect(loss({ USDJPY: -1 })).rejects.toMatchObject({ status: 422 });
  });

  it('a position whose value is no money is refused by name', async () => {
    const book = new FakePortfolioBook(new EventBus());
    book.tick('ODD', 1e300);
    book.put('P', { ODD: 9e15 });
    const run = new StressService(book, new FakeCloses()).run('P', { shocks: { ODD: -0.1 } });
    await expect(run).rejects.toMatchObject({
      status: 422,
      code: 'OUT_OF_RANGE',
      detail: expect.stringContaining('ODD'),
    });
  });

  describe('in a past window', () => {
    const day = (iso: string): number => Date.parse(iso) / 86_400_000;
    /** Five days of closes for what is held; `rates` beside them. */
    async function window(rates: Readonly<Record<string, readonly [string, number][]>>) {
      const closes = new FakeCloses();
      const add = (symbol: string, of: readonly (readonly [string, number])[]): void => {
        closes.series.set(symbol, {
          symbol,
          days: Int32Array.from(of, ([iso]) => day(iso)),
          closes: Float64Array.from(of, ([, close]) => close),
        });
      };
      for (const symbol of ['SAP', 'TM', 'IBM']) {
        add(symbol, [
          ['2020-03-02', 100],
          ['2020-03-03', 120],
          ['2020-03-06', 80],
        ]);
      }
      for (const [symbol, of] of Object.entries(rates)) add(symbol, of);
      const windows = [{ name: 'w', from: '2020-03-01', to: '2020-03-08' }];
      return (await service(closes).run('P', { windows })).scenarios[0]!;
    }

    it('exchange rates without closes are held at those of today, and the answer says so', async () => {
      const answer = await window({});
      expect(answer).toMatchObject({
        fx_held: ['EURUSD', 'USDJPY'],
        fx: expect.stringContaining('EURUSD, USDJPY'),
      });
      expect(answer.loss).toBeCloseTo(2_200 * 0.2, 9);
      expect(answer).not.toHaveProperty('fx_moved');
    });

    it('they move with their own closes, whatever the spelling, by the last one before a day without', async () => {
      const answer = await window({
        'FX:EUR/USD': [
          ['2020-02-28', 1.2],
          ['2020-03-05', 1.08],
        ],
        USDJPY: [
          ['2020-03-02', 100],
          ['2020-03-03', 100],
          ['2020-03-06', 125],
        ],
      });
      expect(answer).toMatchObject({ fx_moved: ['EURUSD', 'USDJPY'] });
      expect(answer).not.toHaveProperty('fx');
      const [sap, tm] = [1 - 0.8 * (1.08 / 1.2), 1 - 0.8 * (100 / 125)];
      expect(answer.loss).toBeCloseTo(1_000 * sap + 500 * tm + 700 * 0.2, 9);
    });

    it('a rate whose closes cover only a part of the window is held, the other one moves', async () => {
      const answer = await window({
        EURUSD: [['2020-03-06', 1.1]],
        USDJPY: [['2020-02-28', 100]],
      });
      expect(answer).toMatchObject({ fx_held: ['EURUSD'], fx_moved: ['USDJPY'] });
      expect(answer.loss).toBeCloseTo(2_200 * 0.2, 9);
    });
  });
});
