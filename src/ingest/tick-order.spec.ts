import { describe, expect, it } from '@jest/globals';
import { ingestLateTicks, ingestOutOfOrderTicks } from '../observability/catalogue/ingest.js';
import { Metrics } from '../observability/metrics.js';
import { TickOrder } from './tick-order.js';

const tick = (symbol: string, tsMs: number) => ({ symbol, tsMs, price: 1, size: null, sourceId: null });

describe('the order of ticks', () => {
  it('is watched per symbol, across batches', () => {
    const metrics = new Metrics();
    const outOfOrder = metrics.counter(ingestOutOfOrderTicks, {});
    const late = metrics.counter(ingestLateTicks, {});
    const order = new TickOrder(outOfOrder, late);
    order.observe([tick('A', 100_000), tick('B', 5), tick('A', 100_000), tick('A', 99_999)]);
    order.observe([tick('A', 39_999), tick('A', 40_000), tick('B', 6), tick('A', 100_001)]);
    expect(metrics.read(ingestOutOfOrderTicks.name)).toEqual([{ labels: {}, value: 3 }]);
    expect(metrics.read(ingestLateTicks.name)).toEqual([{ labels: {}, value: 1 }]);
  });

  it('is remembered of thousands of symbols', () => {
    const metrics = new Metrics();
    const outOfOrder = metrics.counter(ingestOutOfOrderTicks, {});
    const order = new TickOrder(outOfOrder, metrics.counter(ingestLateTicks, {}));
    const symbols = Array.from({ length: 3_000 }, (_, i) => `S${i}`);
    order.observe(symbols.map((symbol) => tick(symbol, 10)));
    order.observe(symbols.map((symbol) => tick(symbol, 9)));
    expect(metrics.read(ingestOutOfOrderTicks.name)).toEqual([{ labels: {}, value: 3_000 }]);
  });
});
