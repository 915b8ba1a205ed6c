import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseInChunks } from '../../../test/harness/parse-in-chunks.js';
import { LineProtocolParser } from './line-protocol-parser.js';
import { LineProtocolScanner } from './line-protocol-scanner.js';
import { MetricRows } from './metric-row.js';
import { RowFault } from './row-fault.js';

const good = {
  portfolio_id: 'PORTFOLIO_001',
  metric_type: 'portfolio.value',
  value: -1.5,
  timestamp: 1_381_154_400_123,
};
const point = {
  portfolioId: 'PORTFOLIO_001',
  metricType: 'portfolio.value',
  value: -1.5,
  tsMs: 1_381_154_400_123,
  metadata: null,
};
const read = (value: unknown) => new MetricRows().fromJson(value);
const codeOf = (value: unknown): string => {
  const row = read(value);
  return row instanceof RowFault ? row.code : 'ok';
};
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

describe('a metric point', () => {
  it('carries what was sent', () => {
    expect(read(good)).toEqual(point);
    expect(read({ ...good, metadata: { source: 'x', n: 1 } })).toEqual({
      ...point,
      metadata: '{"source":"x","n":1}',
    });
    expect(read({ ...good, metadata: {} })).toEqual(point);
  });

  it.each([
    ['an unknown field', { ...good, ts: 1 }, 'UNKNOWN_FIELD'],
    ['toString as a field', { ...good, toString: 1 }, 'UNKNOWN_FIELD'],
    ['no value', { ...good, value: undefined }, 'MISSING_FIELD'],
    ['a value of null', { ...good, value: null }, 'INVALID_VALUE'],
    [
      'a value of 1e400',
      JSON.parse('{"portfolio_id":"P","metric_type":"m","timestamp":1,"value":1e400}'),
      'INVALID_VALUE',
    ],
    ['a portfolio with a blank', { ...good, portfolio_id: 'a b' }, 'INVALID_PORTFOLIO_ID'],
    ['a metric with U+0000', { ...good, metric_type: 'a\u0000' }, 'INVALID_METRIC_TYPE'],
    ['a wrong time', { ...good, timestamp: 'yesterday' }, 'INVALID_TS'],
    ['metadata that is a list', { ...good, metadata: [1] }, 'INVALID_METADATA'],
    ['metadata with U+0000', { ...good, metadata: { a: ['\u0000'] } }, 'INVALID_METADATA'],
    ['metadata with a lone surrogate', { ...good, metadata: { a: { b: '\udc00' } } }, 'INVALID_METADATA'],
    ['a metadata key with U+0000', { ...good, metadata: { 'a\u0000': 1 } }, 'INVALID_METADATA'],
    ['metadata with 1e400', { ...good, metadata: JSON.parse('{"a":-1e400}') }, 'INVALID_METADATA'],
    ['deep metadata', { ...good, metadata: nested(9) }, 'INVALID_METADATA'],
    ['metadata of the greatest depth', { ...good, metadata: nested(8) }, 'ok'],
    ['long metadata', { ...good, metadata: { a: 'x'.repeat(9_000) } }, 'INVALID_METADATA'],
  ])('with %s', (_, value, code) => {
    expect(codeOf(value)).toBe(code);
  });

  it('reads the same on the fast path and on the slow path', () => {
    let fast = 0;
    const value = fc.oneof(
      fc.double().map((x) => JSON.stringify(x)),
      fc.tuple(fc.integer(), fc.nat(999)).map(([a, b]) => `${a}.${b}`),
      fc.constantFrom('-0', '1e9', '00', '"1"'),
    );
    const name = fc.stringMatching(/^[A-Za-z0-9_.:-]{0,66}$/);
    fc.assert(
      fc.property(
        name,
        name,
        value,
        fc.integer({ min: 3e11, max: 4.2e12 }),
        fc.boolean(),
        (p, m, v, ts, iso) => {
          const when = iso && ts < 4.1e12 ? JSON.stringify(new Date(ts).toISOString()) : String(ts);
          const text = `{"portfolio_id":"${p}","metric_type":"${m}","value":${v},"timestamp":${when}}`;
          const kind = new MetricRows();
          const bytes = Buffer.from(`${text}\n`);
          if (kind.scanJson(bytes, 0, bytes.length) < 0) return;
          fast++;
          expect(kind.take()).toEqual(kind.fromJson(JSON.parse(text)));
        },
      ),
      { numRuns: 2_000 },
    );
    expect(fast).toBeGreaterThan(200);
  });
});

describe('InfluxDB line protocol', () => {
  const parse = (text: string, precision: 'ns' | 'us' | 'ms' | 's' = 'ns') =>
    parseInChunks(new LineProtocolParser(precision, () => 1_700_000_000_000), Buffer.from(text), [7, 50]);

  it('makes one point per field, and metadata of the other tags', () => {
    const parsed = parse(
      'risk,portfolio_id=P1,source=engine value=1.5,var_95=20i,es=3u 1381154400123456789\n',
    );
    expect(parsed.rows.map(({ row }) => [row.metricType, row.value, row.metadata])).toEqual([
      ['risk', 1.5, '{"source":"engine"}'],
      ['risk.var_95', 20, '{"source":"engine"}'],
      ['risk.es', 3, '{"source":"engine"}'],
    ]);
    expect(parsed.rows[0]?.row.tsMs).toBeCloseTo(1_381_154_400_123.4568, 3);
    expect(parsed.rows.map((r) => r.index)).toEqual([0, 0, 0]);
  });

  it('skips comments, stamps lines without a time with the clock, and counts lines', () => {
    const parsed = parse(
      '# comment\nm,portfolio=P value=1\n\nm value=1\nm,portfolio=P value=2 1700000000000\n',
      'ms',
    );
    expect(parsed.rows.map(({ index, row }) => [index, row.value, row.tsMs])).toEqual([
      [0, 1, 1_700_000_000_000],
      [2, 2, 1_700_000_000_000],
    ]);
    expect(parsed.rejected).toEqual([expect.objectContaining({ index: 1, code: 'MISSING_FIELD' })]);
  });

  it.each([
    ['s', '1381154400'],
    ['ms', '1381154400000'],
    ['us', '1381154400000000'],
    ['ns', '1381154400000000000'],
  ] as const)('reads timestamps in %s', (precision, stamp) => {
    expect(parse(`m,portfolio=P value=1 ${stamp}`, precision).rows[0]?.row.tsMs).toBe(1_381_154_400_000);
  });

  it('reads the same on the fast path and on the slow path', () => {
    let fast = 0;
    const name = fc.stringMatching(/^[A-Za-z0-9_.:-]{0,66}$/);
    const value = fc.oneof(
      fc.tuple(fc.integer(), fc.nat(999)).map(([a, b]) => `${a}.${b}`),
      fc.double().map(String),
      fc.constantFrom('1i', '+1', '-0', '01', '"x"', 'true'),
    );
    const digitsBehindMs = { ns: '123456', us: '789', ms: '', s: '' } as const;
    const inRange = fc.integer({ min: 315_532_790, max: 4_102_444_810 });
    const stampText = (seconds: number, unit: 'ns' | 'us' | 'ms' | 's'): string =>
      unit === 's' ? String(seconds) : `${seconds}042${digitsBehindMs[unit]}`;
    const stamp = fc.oneof(
      { weight: 5, arbitrary: inRange },
      fc.constantFrom('', '-1', 'x', '0001381154400123', '12345678901234567890', '1381154400'),
    );
    const owner = fc.constantFrom('portfolio_id', 'portfolio', 'desk');
    const precision = fc.constantFrom('ns', 'us', 'ms', 's' as const);
    fc.assert(
      fc.property(name, owner, name, value, stamp, precision, (m, o, p, v, ts, unit) => {
        const when = typeof ts === 'number' ? stampText(ts, unit) : ts;
        const line = `${m},${o}=${p} value=${v} ${when}`.trimEnd();
        const bytes = Buffer.from(`${line}\n`);
        const scanner = new LineProtocolScanner(unit);
        if (scanner.scan(bytes, 0, bytes.length) < 0) return;
        fast++;
        // A blank before the line end sends it down the slow path.
        const slow = parseInChunks(new LineProtocolParser(unit, () => 0), Buffer.from(`${line} \n`));
        expect(slow.rows).toEqual([{ index: 0, row: scanner.take() }]);
      }),
      { numRuns: 5_000 },
    );
    expect(fast).toBeGreaterThan(50);
  });

  it('honours escapes and quotes', () => {
    const parsed = parse('m,portfolio=P,desk=a\\ b\\,c\\=d value=1 1381154400000000000');
    expect(parsed.rows[0]?.row.metadata).toBe('{"desk":"a b,c=d"}');
  });

  it.each([
    ['m', 'MALFORMED_ROW'],
    ['m,portfolio=P value 1381154400000000000', 'MALFORMED_ROW'],
    ['m,portfolio=P,x= value=1', 'MALFORMED_ROW'],
    ['m,portfolio=P value=1 1381154400000000000 5', 'MALFORMED_ROW'],
    ['m,portfolio=P value="open', 'MALFORMED_ROW'],
    ['m,portfolio=P value="text, with = and blank"', 'INVALID_VALUE'],
    ['m,portfolio=P value=true', 'INVALID_VALUE'],
    ['m,portfolio=P value=1e400', 'INVALID_VALUE'],
    ['m,portfolio=P value=NaN', 'INVALID_VALUE'],
    ['m,portfolio=P value=1 noon', 'INVALID_TS'],
    ['m,portfolio=P value=1 1381154400', 'TS_OUT_OF_RANGE'],
    ['m,portfolio=P value=1 -5', 'TS_OUT_OF_RANGE'],
  ])('refuses %p', (line, code) => {
    expect(parse(line)).toMatchObject({ rows: [], rejected: [{ index: 0, code }] });
  });
});
