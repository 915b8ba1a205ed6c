import { describe, expect, it } from '@jest/globals';
import { FakePortfolioBook } from '../../../test/factories/fake-portfolio-book.js';
import { EventBus } from '../../domain/event-bus.js';
import type { CloseHistory } from '../history/close-history.js';
import { StressService } from './stress.service.js';

describe('StressService', () => {
  /** 1,000 USD of SAP quoted in EUR, 500 USD of TM over USDJPY, 700 USD of IBM. */
  function service() {
    const book = new FakePortfolioBook(new EventBus());
    book.tick('SAP', 80);
    book.tick('TM', 5_000);
    book.tick('IBM', 70);
    book.rates.set('SAP', 1.25).set('TM', 0.01);
    book.pairs
      .set('SAP', [{ pair: 'EURUSD', inverse: false }])
      .set('TM', [{ pair: 'USDJPY', inverse: true }]);
    book.put('P', { SAP: 10, TM: 10, IBM: 10 });
    return new StressService(book, {} as CloseHistory);
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
});
