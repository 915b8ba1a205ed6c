import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { MetricPoint } from '../../src/domain/metric-point.js';
import type { Tick } from '../../src/domain/tick.js';

/** Repeatable random numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let x = seed;
  return () => {
    x = (x * 1_103_515_245 + 12_345) & 0x7fffffff;
    return x / 0x80000000;
  };
}

/**
 * Ticks from a CSV (`ts_ms,symbol,price,size,…`, gzip or not), or made up ones of the same kind when there is none.
 */
export function readTicks(file: string | undefined, wanted: number): { ticks: Tick[]; source: string } {
  if (file !== undefined && existsSync(file)) {
    const bytes = readFileSync(file);
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    const ticks: Tick[] = [];
    for (const row of text.split('\n').slice(1)) {
      const [ts, symbol, price, size] = row.split(',');
      if (symbol === undefined) continue;
      ticks.push({ symbol, tsMs: Number(ts), price: Number(price), size: Number(size), sourceId: null });
      if (ticks.length === wanted) break;
    }
    return { ticks, source: 'real trades' };
  }
  const random = randomFrom(42);
  const t0 = Date.UTC(2013, 9, 7, 8);
  const ticks = Array.from({ length: wanted }, (_, i) => ({
    symbol: ['SPY', 'BAC', 'AIG', 'IBM'][Math.floor(random() * 4)]!,
    tsMs: t0 + Math.floor((i * 57_600_000) / wanted),
    price: 100 + Math.round(random() * 1e4) / 100,
    size: 100 * (1 + Math.floor(random() * 9)),
    sourceId: null,
  }));
  return { ticks, source: 'made-up trades (no file of real ones)' };
}

const metricTypes = ['value', 'pnl', 'var_95', 'exposure', 'drawdown', 'sharpe', 'beta', 'volatility'];

/** Metrics of 100 portfolios in time order, a quarter of them with metadata. */
export function makePoints(count: number, fromMs: number, toMs: number): MetricPoint[] {
  const random = randomFrom(7);
  return Array.from({ length: count }, (_, i) => ({
    portfolioId: `portfolio-${String(Math.floor(random() * 100)).padStart(4, '0')}`,
    metricType: metricTypes[Math.floor(random() * metricTypes.length)]!,
    value: Math.round(random() * 1e8) / 1e4,
    tsMs: fromMs + Math.floor((i * (toMs - fromMs)) / count),
    metadata: i % 4 === 0 ? '{"source":"sim"}' : null,
  }));
}
