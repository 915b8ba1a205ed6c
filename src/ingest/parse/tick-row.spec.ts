import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseInChunks } from '../../../test/harness/parse-in-chunks.js';
import { CsvParser } from './csv-parser.js';
import { NdjsonParser } from './ndjson-parser.js';
import { RowFault } from './row-fault.js';
import { TickRows } from './tick-row.js';

const good = { symbol: 'SPY', ts: 1_381_154_400_123, price: 168.54, size: 100 };

const codeOf = (value: unknown): string => {
  const row = new TickRows().fromJson(value);
  return row instanceof RowFault ? row.code : 'ok';
};

describe('a tick', () => {
  it('carries what was sent, and null where nothing was', () => {
    expect(new TickRows().fromJson({ symbol: 'BRK.B', ts: '2013-10-07T14:00:00.5Z', price: 1 })).toEqual({
      symbol: 'BRK.B',
      tsMs: 1_381_154_400_500,
      price: 1,
      size: null,
      sourceId: null,
    });
  });

  it('keeps microseconds as fractions of a millisecond', () => {
    const tick = new TickRows().fromJson({ ...good, ts: '2013-10-07T14:00:00.123456Z' });
    expect(tick).toMatchObject({ tsMs: 1_381_154_400_123.456 });
  });

  it('takes an offset into account', () => {
    const tick = new TickRows().fromJson({ ...good, ts: '2013-10-07T10:00:00-04:00' });
    expect(tick).toMatchObject({ tsMs: Date.UTC(2013, 9, 7, 14) });
  });

  it.each([
    ['a number', 5, 'NOT_AN_OBJECT'],
    ['null', null, 'NOT_AN_OBJECT'],
    ['an array', [good], 'NOT_AN_OBJECT'],
    ['an unknown field', { ...good, exchange: 'P' }, 'UNKNOWN_FIELD'],
    ['a __proto__ of its own', JSON.parse('{"__proto__": {"symbol": "SPY"}}'), 'UNKNOWN_FIELD'],
    ['no symbol', { ts: good.ts, price: 1 }, 'MISSING_FIELD'],
    ['no ts', { symbol: 'SPY', price: 1 }, 'MISSING_FIELD'],
    ['no price', { symbol: 'SPY', ts: good.ts }, 'MISSING_FIELD'],
    ['an empty symbol', { ...good, symbol: '' }, 'INVALID_SYMBOL'],
    ['a long symbol', { ...good, symbol: 'S'.repeat(33) }, 'INVALID_SYMBOL'],
    ['a symbol with U+0000', { ...good, symbol: 'S\u0000' }, 'INVALID_SYMBOL'],
    ['a symbol with a line feed at its end', { ...good, symbol: 'SPY\n' }, 'INVALID_SYMBOL'],
    ['a symbol that is a number', { ...good, symbol: 7 }, 'INVALID_SYMBOL'],
    ['a price of 0', { ...good, price: 0 }, 'INVALID_PRICE'],
    ['a negative price', { ...good, price: -1 }, 'INVALID_PRICE'],
    ['a price as text', { ...good, price: '1' }, 'INVALID_PRICE'],
    ['a price of null', { ...good, price: null }, 'INVALID_PRICE'],
    ['a price of 1e400', JSON.parse('{"symbol":"SPY","ts":1381154400123,"price":1e400}'), 'INVALID_PRICE'],
    ['NaN as a price', { ...good, price: Number.NaN }, 'INVALID_PRICE'],
    ['a price out of range', { ...good, price: 1e15 }, 'INVALID_PRICE'],
    ['a negative size', { ...good, size: -1 }, 'INVALID_SIZE'],
    ['a size as text', { ...good, size: '' }, 'INVALID_SIZE'],
    ['no size', { ...good, size: null }, 'ok'],
    ['a size of 0', { ...good, size: 0 }, 'ok'],
    ['seconds as ts', { ...good, ts: 1_381_154_400 }, 'TS_OUT_OF_RANGE'],
    ['microseconds as ts', { ...good, ts: 1_381_154_400_123_456 }, 'TS_OUT_OF_RANGE'],
    ['a ts without a zone', { ...good, ts: '2013-10-07T14:00:00' }, 'INVALID_TS'],
    ['a ts that is a date', { ...good, ts: '2013-10-07' }, 'INVALID_TS'],
    ['30 February', { ...good, ts: '2013-02-30T14:00:00Z' }, 'INVALID_TS'],
    ['29 February of a common year', { ...good, ts: '2013-02-29T14:00:00Z' }, 'INVALID_TS'],
    ['29 February of a leap year', { ...good, ts: '2012-02-29T14:00:00Z' }, 'ok'],
    ['second 60', { ...good, ts: '2012-06-30T23:59:60Z' }, 'INVALID_TS'],
    ['a ts of null', { ...good, ts: null }, 'INVALID_TS'],
    ['an id', { ...good, id: 'trade 7' }, 'ok'],
    ['an empty id', { ...good, id: '' }, 'INVALID_ID'],
    ['an id with U+0000', { ...good, id: 'a\u0000' }, 'INVALID_ID'],
    ['an id with a lone surrogate', { ...good, id: '\ud800' }, 'INVALID_ID'],
    ['an id that is a fraction', { ...good, id: 1.5 }, 'INVALID_ID'],
    ['a long id', { ...good, id: 'x'.repeat(65) }, 'INVALID_ID'],
  ])('with %s', (_, value, code) => {
    expect(codeOf(value)).toBe(code);
  });

  it('takes a whole number as an id', () => {
    expect(new TickRows().fromJson({ ...good, id: 12345 })).toMatchObject({ sourceId: '12345' });
  });
});

/** JSON texts of numbers in many spellings, most of them of the usual shape. */
const numberText = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.nat(99_999_999), fc.nat(9_999)).map(([a, b]) => `${a}.${b}`) },
  { weight: 2, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)) },
  { weight: 3, arbitrary: fc.double({ min: 1e-3, max: 1e6, noNaN: true }).map((x) => JSON.stringify(x)) },
  { weight: 2, arbitrary: fc.nat().map(String) },
  fc.constantFrom(
    '-0',
    '0',
    '0.0',
    '1e400',
    '1E5',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '--1',
    'NaN',
    '9007199254740993',
  ),
  fc.constantFrom(
    '999999999999999',
    '9999999999999999',
    '0.000000000000001',
    '0.30000000000000004',
    '101.23499999999999999999999999999999999',
    '101.234999999999999999999999999999999999999999',
    '123456789.123456',
    'null',
    '""',
  ),
);

const tsText = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 315_532_799_990, max: 4_102_444_800_010 }).map(String) },
  {
    weight: 4,
    arbitrary: fc
      .date({ min: new Date('1979-12-31'), max: new Date('2100-01-02'), noInvalidDate: true })
      .map((d) => JSON.stringify(d.toISOString())),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.integer({ min: 0, max: 13 }),
        fc.integer({ min: 0, max: 32 }),
        fc.nat(61),
        fc.stringMatching(/^\d{0,10}$/),
      )
      .map(([month, day, second, fraction]) => {
        const pad = (n: number) => String(n).padStart(2, '0');
        return `"2024-${pad(month)}-${pad(day)}T23:59:${pad(second)}${fraction && `.${fraction}`}Z"`;
      }),
  },
  fc.constantFrom(
    '"2013-10-07T14:00:00"',
    '"2013-10-07 14:00Z"',
    '1381154400123.456',
    '"1381154400123"',
    'true',
  ),
);

const symbolText = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[A-Za-z0-9._:/-]{1,33}$/).map((s) => JSON.stringify(s)) },
  fc.string({ unit: 'binary', maxLength: 5 }).map((s) => JSON.stringify(s)),
  fc.constantFrom('"\\u0041"', '""', '7'),
);

const idText = fc.oneof(
  fc.string({ maxLength: 70 }).map((s) => JSON.stringify(s)),
  fc.nat().map(String),
  fc.constantFrom('null', '"\\n"'),
);

const blanks = fc.oneof({ weight: 40, arbitrary: fc.constantFrom('', '', '', ' ', '  ') }, fc.constant('\t'));
const member = fc.oneof(
  fc.tuple(fc.constant('symbol'), symbolText),
  fc.tuple(fc.constant('ts'), tsText),
  fc.tuple(fc.constantFrom('price', 'size'), numberText),
  fc.tuple(fc.constant('id'), idText),
  fc.tuple(fc.constantFrom('ps', 'sixe', 'prise', 'simbol', ''), numberText),
);

const recordText = fc
  .tuple(
    fc.oneof(
      { weight: 1, arbitrary: fc.array(member, { maxLength: 6 }) },
      {
        weight: 3,
        arbitrary: fc
          .tuple(symbolText, tsText, numberText, fc.array(member, { maxLength: 2 }))
          .map(([symbol, ts, price, more]) => [
            ['symbol', symbol] as [string, string],
            ['ts', ts] as [string, string],
            ['price', price] as [string, string],
            ...more,
          ]),
      },
    ),
    fc.array(blanks, { minLength: 8, maxLength: 8 }),
  )
  .map(([members, space]) => {
    const inner = members.map(([key, value], i) => `${space[i % 8]}"${key}":${space[(i + 1) % 8]}${value}`);
    return `{${inner.join(',')}${space[7]}}`;
  });

describe('the fast path of ticks', () => {
  it('reads what the slow path reads, or leaves it to it', () => {
    let fast = 0;
    fc.assert(
      fc.property(recordText, (text) => {
        const kind = new TickRows();
        const bytes = Buffer.from(`${text}\n`);
        const next = kind.scanJson(bytes, 0, bytes.length);
        if (next < 0) return;
        fast++;
        expect(next).toBe(bytes.length - 1);
        expect(kind.take()).toEqual(kind.fromJson(JSON.parse(text)));
      }),
      { numRuns: 3_000 },
    );
    expect(fast).toBeGreaterThan(100);
  });

  it('takes the usual shapes', () => {
    for (const value of [good, { symbol: 'A', ts: good.ts, price: 1 }, { ...good, id: 'x-1' }]) {
      for (const text of [
        JSON.stringify(value),
        JSON.stringify(value).replaceAll(',', ', ').replaceAll(':', ': '),
      ]) {
        const bytes = Buffer.from(`${text}\n`);
        expect(new TickRows().scanJson(bytes, 0, bytes.length)).toBe(bytes.length - 1);
      }
    }
  });

  it('never reads beyond the end it was given', () => {
    const text = Buffer.from(JSON.stringify({ ...good, id: 'abc' }));
    for (let end = 0; end < text.length; end++) {
      expect(new TickRows().scanJson(text, 0, end)).toBe(-1);
    }
  });
});

const cellText = fc.oneof(
  { weight: 3, arbitrary: numberText },
  { weight: 3, arbitrary: tsText.map((t) => t.replaceAll('"', '')) },
  { weight: 3, arbitrary: fc.stringMatching(/^[A-Za-z0-9._:/-]{0,33}$/) },
  fc.string({ maxLength: 4 }).map((s) => s.replaceAll(/[\r\n"]/g, '')),
  fc.constantFrom('', ' ', '"a"', 'é', '"', '1;2'),
);

describe('CSV ticks', () => {
  it('read the same on the fast path and on the slow path', () => {
    let fast = 0;
    const columns = ['ts', 'symbol', 'price', 'size', 'id', 'exchange'];
    const usual = fc.tuple(
      tsText.map((t) => t.replaceAll('"', '')),
      fc.stringMatching(/^[A-Za-z0-9._:/-]{1,33}$/),
      numberText,
      fc.oneof(numberText, fc.constant('')),
      fc.constantFrom('', 'a1', 'x y'),
      cellText,
    );
    fc.assert(
      fc.property(fc.oneof(usual, fc.array(cellText, { minLength: 5, maxLength: 7 })), (cells) => {
        const binding = new TickRows().bindCsv(columns, 0x2c);
        const line = cells.join(',');
        const bytes = Buffer.from(`${line}\n`);
        const next = binding.scan(bytes, 0, bytes.length);
        if (next < 0) return;
        fast++;
        expect(next).toBe(bytes.length - 1);
        expect(line.split(',')).toHaveLength(columns.length);
        expect(binding.take()).toEqual(binding.fromCells(line.split(',')));
      }),
      { numRuns: 3_000 },
    );
    expect(fast).toBeGreaterThan(100);
  });

  it('accept the column names of recorded files and name what they skip', () => {
    const parser = new CsvParser(new TickRows());
    const parsed = parseInChunks(
      parser,
      Buffer.from('ts_ms,symbol,price,size,exchange\n1381132800464,SPY,167.41,100,P\n'),
    );
    expect(parsed.rows).toEqual([
      { index: 0, row: { symbol: 'SPY', tsMs: 1_381_132_800_464, price: 167.41, size: 100, sourceId: null } },
    ]);
    expect(parser.ignoredColumns).toEqual(['exchange']);
  });
});

describe('NDJSON ticks', () => {
  it('come out the same however the body is cut', () => {
    const line = fc.oneof(
      recordText,
      fc.constantFrom(
        '',
        ' ',
        '{',
        'null',
        '[]',
        '{"symbol":"SPY","ts":1381154400123,"price":1}\r',
        '\ufeff',
      ),
    );
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 8 }),
        fc.array(fc.nat(400), { maxLength: 6 }),
        (lines, cuts) => {
          const body = Buffer.from(lines.join('\n'));
          const whole = parseInChunks(new NdjsonParser(new TickRows()), body);
          const cut = parseInChunks(new NdjsonParser(new TickRows()), body, cuts);
          const bytewise = parseInChunks(
            new NdjsonParser(new TickRows()),
            body,
            body.length < 300 ? Array.from(body, (_, i) => i) : [],
          );
          expect(cut).toEqual(whole);
          expect(bytewise).toEqual(whole);
          expect(whole.rows.length + whole.rejected.length).toBe(whole.count);
        },
      ),
      { numRuns: 500 },
    );
  });
});
