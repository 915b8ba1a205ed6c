import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BarRepository } from '../../../src/store/bar.repository.js';
import { type Answer, jsonApi, startApp, type TestApp } from '../../harness/index.js';

const dayMs = 86_400_000;
const days = 300;
const symbols = ['TKA', 'TKB'];
const quantities = [300, -100];
const prices = [50, 20];

/** Deterministic, without a trend, different by symbol. */
const closeOf = (symbol: number, t: number): number =>
  100 * (1 + 0.2 * Math.sin(t * (1.3 + symbol)) + 0.05 * Math.cos(t * t));

/** Historical VaR from the closes alone: type 7 quantile of the book's daily results. */
function varOf(closes: readonly (readonly number[])[], confidence: number): number {
  const results = closes[0]!
    .slice(1)
    .map((_, t) =>
      closes.reduce((sum, c, i) => sum + quantities[i]! * prices[i]! * (c[t + 1]! / c[t]! - 1), 0),
    );
  const sorted = results.slice(-250).sort((a, b) => a - b);
  const at = (sorted.length - 1) * (1 - confidence);
  const low = Math.floor(at);
  return -(sorted[low]! + (at - low) * (sorted[low + 1]! - sorted[low]!));
}

describe('history from ticks', () => {
  const today = Math.floor(Date.now() / dayMs);
  const closes = symbols.map((_, i) => Array.from({ length: days }, (_, t) => closeOf(i, t)));
  let app: TestApp;

  const call = jsonApi(() => app.baseUrl);

  async function ingest(ticks: readonly { symbol: string; ts: number; price: number }[]): Promise<void> {
    const { status, body } = await call('POST', 'ingest/ticks', { ticks });
    expect([status, body.rejected]).toEqual([200, []]);
  }

  async function varUntil(expected: number): Promise<Answer> {
    let last: Answer;
    for (let i = 0; i < 150; i++) {
      last = await call('GET', 'risk/portfolio/TICKS/var?method=historical&confidence=0.99&horizon_days=1');
      if (last.status === 200 && Math.abs(last.body.var / expected - 1) < 1e-9) return last.body;
      await sleep(100);
    }
    throw new Error(`expected ${expected}, got ${JSON.stringify(last)}`);
  }

  beforeAll(async () => {
    app = await startApp({ RISK_WINDOW_DAYS: '250' });
  }, 60_000);
  afterAll(() => app.stop());

  it('gives a portfolio its VaR from the closes of 300 days of ticks', async () => {
    await app.app.get(BarRepository).upsert([{ symbol: 'TKC', day: today - 2, close: 7 }]);
    const ticks = symbols.flatMap((symbol, i) =>
      closes[i]!.flatMap((close, t) => {
        const start = (today - days + t) * dayMs;
        // The close is neither the first nor the last to arrive; of two at one moment the later one counts.
        return [
          { symbol, ts: start + 70_000_000, price: close * 1.5 },
          { symbol, ts: start + 70_000_000, price: close },
          { symbol, ts: start + 1_000, price: close * 0.5 },
        ];
      }),
    );
    await ingest([...ticks, { symbol: 'TKC', ts: (today - 2) * dayMs, price: 9 }]);
    await ingest(symbols.map((symbol, i) => ({ symbol, ts: Date.now(), price: prices[i]! })));
    const positions = symbols.map((symbol, i) => ({ symbol, quantity: quantities[i]! }));
    const { status } = await call('PUT', 'portfolios/TICKS', { name: 'Ticks', currency: 'USD', positions });
    expect(status).toBe(201);
    expect(await varUntil(varOf(closes, 0.99))).toMatchObject({ method: 'historical', observations: 250 });
    const bars = await app.app.get(BarRepository).closes([...symbols, 'TKC']);
    expect(bars.map((b) => [...b.closes])).toEqual([...closes, [7]]);
  }, 30_000);

  it('corrects the close of a day that a late tick came for', async () => {
    closes[0]![days - 10] = 20;
    await ingest([{ symbol: 'TKA', ts: (today - 10) * dayMs + 80_000_000, price: 20 }]);
    await varUntil(varOf(closes, 0.99));
    const [bars] = await app.app.get(BarRepository).closes(['TKA']);
    expect([...bars!.closes]).toEqual(closes[0]);
  }, 30_000);
});
