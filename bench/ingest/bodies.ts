import { seededRandom } from '../../src/demo/seeded-random.js';
import type { BodyFormat } from '../../src/ingest/body-format.js';

export interface Body {
  readonly name: string;
  readonly kind: 'ticks' | 'metrics';
  readonly format: BodyFormat;
  readonly rows: number;
  readonly bytes: Buffer;
}

/** The same rows in every format; made up, from a seed: four symbols, prices in cents, round sizes. */
export function makeBodies(rows: number): Body[] {
  const random = seededRandom(7);
  const t0 = Date.UTC(2024, 4, 6, 14);
  const ticks = Array.from({ length: rows }, (_, i) => ({
    symbol: ['SPY', 'BAC', 'AIG', 'IBM'][Math.floor(random() * 4)] as string,
    ts: t0 + i * 3,
    price: Math.round((20 + random() * 160) * 100) / 100,
    size: 100 * Math.floor(random() * 20),
  }));
  const points = ticks.map(({ ts, price, size }, i) => ({
    portfolio_id: `PORTFOLIO_00${i % 9}`,
    metric_type: `metric_${i % 8}`,
    value: price,
    timestamp: ts,
    metadata: { source: 'bench', size },
  }));
  const ndjson = (list: readonly object[]): string => list.map((row) => `${JSON.stringify(row)}\n`).join('');
  const body = (name: string, kind: Body['kind'], format: BodyFormat, text: string): Body => ({
    name,
    kind,
    format,
    rows,
    bytes: Buffer.from(text),
  });
  return [
    body('ticks NDJSON', 'ticks', 'ndjson', ndjson(ticks)),
    body(
      'ticks NDJSON, ISO time',
      'ticks',
      'ndjson',
      ndjson(ticks.map((tick) => ({ ...tick, ts: new Date(tick.ts).toISOString() }))),
    ),
    body(
      'ticks NDJSON, escapes (slow path)',
      'ticks',
      'ndjson',
      ndjson(ticks).replaceAll('"symbol":"', '"symbol":"\\u0058'),
    ),
    body('ticks JSON document', 'ticks', 'json', JSON.stringify({ ticks })),
    body(
      'ticks CSV',
      'ticks',
      'csv',
      `ts,symbol,price,size\n${ticks.map((t) => `${t.ts},${t.symbol},${t.price},${t.size}\n`).join('')}`,
    ),
    body('points NDJSON', 'metrics', 'ndjson', ndjson(points.map(({ metadata: _, ...point }) => point))),
    body('points NDJSON, metadata', 'metrics', 'ndjson', ndjson(points)),
    body(
      'points line protocol',
      'metrics',
      'line-protocol',
      points
        .map((p) => `${p.metric_type},portfolio_id=${p.portfolio_id} value=${p.value} ${p.timestamp}000000\n`)
        .join(''),
    ),
  ];
}
