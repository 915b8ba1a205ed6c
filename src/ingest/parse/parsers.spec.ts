import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseInChunks } from '../../../test/harness/parse-in-chunks.js';
import { CsvParser } from './csv-parser.js';
import { JsonDocumentParser } from './json-document-parser.js';
import { NdjsonParser } from './ndjson-parser.js';
import { maxRowBytes } from './push-parser.js';
import { TickRows } from './tick-row.js';

const record = '{"symbol":"SPY","ts":1381154400123,"price":168.5}';
const row = { symbol: 'SPY', tsMs: 1_381_154_400_123, price: 168.5, size: null, sourceId: null };
const ndjson = (text: string | Buffer, cuts?: number[]) =>
  parseInChunks(new NdjsonParser(new TickRows()), Buffer.from(text as string), cuts);
const json = (text: string, cuts?: number[]) =>
  parseInChunks(new JsonDocumentParser(new TickRows()), Buffer.from(text), cuts);
const csv = (text: string | Buffer, cuts?: number[]) =>
  parseInChunks(new CsvParser(new TickRows()), Buffer.from(text as string), cuts);
const codes = (parsed: { rejected: readonly { index: number; code: string }[] }) =>
  parsed.rejected.map((r) => [r.index, r.code]);

describe('NDJSON', () => {
  it('rejects a wrong line by itself, with its position among the records', () => {
    const parsed = ndjson(`${record}\n\n{oops\n${record}\r\n{"symbol":"SPY"}\n${record}`);
    expect(parsed.rows.map((r) => r.index)).toEqual([0, 2, 4]);
    expect(codes(parsed)).toEqual([
      [1, 'MALFORMED_ROW'],
      [3, 'MISSING_FIELD'],
    ]);
  });

  it('refuses bytes that are not UTF-8 instead of replacing them', () => {
    const body = Buffer.concat([
      Buffer.from('{"symbol":"SPY","id":"'),
      Buffer.from([0xff]),
      Buffer.from('"}\n'),
    ]);
    expect(codes(ndjson(body))).toEqual([[0, 'INVALID_UTF8']]);
  });

  it('accepts a byte order mark', () => {
    expect(ndjson(`\ufeff${record}`, [1, 2]).rows).toEqual([{ index: 0, row }]);
  });

  it('refuses a record that is too long and goes on with the next', () => {
    const long = `{"symbol":"${'S'.repeat(maxRowBytes)}"}`;
    for (const cuts of [[], [100], [5, maxRowBytes + 3], [maxRowBytes + 30]]) {
      const parsed = ndjson(`${record}\n${long}\n${record}\n`, cuts);
      expect(parsed.rows.map((r) => r.index)).toEqual([0, 2]);
      expect(codes(parsed)).toEqual([[1, 'ROW_TOO_LONG']]);
    }
  });

  it('refuses an endless line once', () => {
    const parser = new NdjsonParser(new TickRows());
    const body = Buffer.alloc(5 * maxRowBytes, 'x');
    const parsed = parseInChunks(parser, body, [1_000, 70_000, 140_000, 200_000]);
    expect(codes(parsed)).toEqual([[0, 'ROW_TOO_LONG']]);
  });

  it('takes an empty body as no records', () => {
    expect(ndjson('')).toEqual({ rows: [], rejected: [], count: 0 });
  });
});

describe('a JSON body', () => {
  it('is read element by element', () => {
    const parsed = json(`{"ticks": [${record}, 7, {"symbol": "SPY"}, ${record} ]}`);
    expect(parsed.rows.map((r) => r.index)).toEqual([0, 3]);
    expect(codes(parsed)).toEqual([
      [1, 'NOT_AN_OBJECT'],
      [2, 'MISSING_FIELD'],
    ]);
  });

  it('may be empty of ticks, or begin with a byte order mark', () => {
    expect(json('{"ticks":[]}').count).toBe(0);
    expect(json('\ufeff {"ticks" : [ ] } ').count).toBe(0);
  });

  it.each([
    ['', 'EMPTY_BODY'],
    ['[]', 'MALFORMED_JSON'],
    ['{}', 'MALFORMED_JSON'],
    ['{"ticks":{}}', 'MALFORMED_JSON'],
    ['{"ticks":null}', 'MALFORMED_JSON'],
    ['{"points":[]}', 'UNKNOWN_FIELD'],
    ['{"ticks":[],"more":1}', 'UNKNOWN_FIELD'],
    ['{"ticks":[],"ticks":[]}', 'DUPLICATE_FIELD'],
    [`{"ticks":[${record}`, 'MALFORMED_JSON'],
    [`{"ticks":[${record}]`, 'MALFORMED_JSON'],
    [`{"ticks":[${record},]}`, 'MALFORMED_JSON'],
    [`{"ticks":[,${record}]}`, 'MALFORMED_JSON'],
    [`{"ticks":[${record}}`, 'MALFORMED_JSON'],
    [`{"ticks":[${record}]}]`, 'MALFORMED_JSON'],
    ['{"ticks":[]} x', 'MALFORMED_JSON'],
    [`{"${'k'.repeat(1_000)}":[]}`, 'UNKNOWN_FIELD'],
  ])('like %p is refused', (text, code) => {
    expect(() => json(text)).toThrow(expect.objectContaining({ status: 400, code }));
  });

  it('refuses a row with a field given twice, whichever value is last', () => {
    const twice = record.replace('{', '{"price": 1, ').replace(/}$/, ', "price": 2}');
    expect(codes(json(`{"ticks":[${twice},${record}]}`))).toEqual([[0, 'MALFORMED_ROW']]);
    expect(codes(ndjson(`${twice}\n${record}`))).toEqual([[0, 'MALFORMED_ROW']]);
  });

  it('names the unknown field', () => {
    expect(() => json('{"foo":1}')).toThrow(
      expect.objectContaining({ extra: { errors: [expect.objectContaining({ pointer: '/foo' })] } }),
    );
  });

  it('refuses an element that is too long and goes on', () => {
    const long = `{"symbol":"${'],{'.repeat(maxRowBytes / 3)}"}`;
    for (const cuts of [[], [300], [20, maxRowBytes + 100]]) {
      const parsed = json(`{"ticks":[${record},${long},${record}]}`, cuts);
      expect(parsed.rows.map((r) => r.index)).toEqual([0, 2]);
      expect(codes(parsed)).toEqual([[1, 'ROW_TOO_LONG']]);
    }
  });

  it('comes out the same however it is cut', () => {
    const element = fc.oneof(
      fc.constant(record),
      fc.constant(` ${record} `),
      fc.constant(`${record} x`),
      fc.json({ maxDepth: 2 }),
      fc.constantFrom('"]}\\""', '{"a":"\\\\"}', '', '{', '[[', '"'),
    );
    fc.assert(
      fc.property(
        fc.array(element, { maxLength: 6 }),
        fc.array(fc.nat(400), { maxLength: 6 }),
        (elements, cuts) => {
          const text = `{"ticks":[${elements.join(',')}]}`;
          const outcome = (at: number[]) => {
            try {
              return json(text, at);
            } catch (error) {
              return error;
            }
          };
          const bytewise = Array.from(Buffer.from(text), (_, i) => i);
          expect(outcome(cuts)).toEqual(outcome([]));
          if (bytewise.length < 300) expect(outcome(bytewise)).toEqual(outcome([]));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('CSV', () => {
  const header = 'ts,symbol,price,size,id,note\n';

  it('reads quoted cells with delimiters, quotes and line ends in them', () => {
    const parsed = csv(`${header}1381154400123,"SPY",168.5,,,"a ""b"", c\nd"\n1381154400123,SPY,168.5,,,\n`);
    expect(parsed.rows).toEqual([
      { index: 0, row },
      { index: 1, row },
    ]);
  });

  it('reads semicolons, tabs, CRLF, a byte order mark and capitals in the header', () => {
    for (const d of [';', '\t', ',']) {
      const text = `\ufeffSymbol${d}TIMESTAMP${d}Price${d}id\r\nSPY${d}1381154400123${d}168.5${d}\r\n\r\nSPY${d}1381154400123${d}168.5${d}x`;
      expect(csv(text).rows).toEqual([
        { index: 0, row },
        { index: 1, row: { ...row, sourceId: 'x' } },
      ]);
    }
  });

  it.each([
    ['', 'EMPTY_BODY'],
    ['symbol,price\n', 'CSV_HEADER'],
    ['ts,ts_ms,symbol,price\n', 'CSV_HEADER'],
    ['a"b,c\n', 'CSV_HEADER'],
    ['"a,b', 'CSV_HEADER'],
    [`${'x'.repeat(maxRowBytes + 1)}\n`, 'CSV_HEADER'],
  ])('with the header %p is refused', (text, code) => {
    expect(() => csv(text)).toThrow(expect.objectContaining({ status: 400, code }));
  });

  it('rejects ragged records and misplaced quotes by themselves', () => {
    const parsed = csv(
      `${header}1381154400123,SPY,168.5,,\n1381154400123,SPY,168.5,,,,\n1381154400123,S"P"Y,168.5,,,\n1381154400123,SPY,168.5,,,\n`,
    );
    expect(codes(parsed)).toEqual([
      [0, 'MALFORMED_ROW'],
      [1, 'MALFORMED_ROW'],
      [2, 'MALFORMED_ROW'],
    ]);
    expect(parsed.rows).toEqual([{ index: 3, row }]);
  });

  it.each(['NaN', 'Infinity', '-1', '0', '1e400', '0x10', '1,5', 'abc', ''])(
    'refuses the price %p',
    (price) => {
      const parsed = csv(`ts;symbol;price\n1381154400123;SPY;${price}\n`);
      expect(parsed.rows).toEqual([]);
      expect(parsed.rejected).toHaveLength(1);
    },
  );

  it('does not lose the file to a quote that is never closed', () => {
    const good = '1381154400123,SPY,168.5,,,\n';
    const body = `${header}1381154400123,"SPY,168.5,,,\n${good.repeat(6_000)}`;
    const whole = csv(body);
    expect(codes(whole)).toEqual([[0, 'ROW_TOO_LONG']]);
    expect(whole.rows.length).toBeGreaterThan(3_000);
    for (const cuts of [[50], [1_000, 66_000], [maxRowBytes + 90, maxRowBytes + 91]])
      expect(csv(body, cuts)).toEqual(whole);
  });

  it('says so when the file ends inside a quote', () => {
    expect(codes(csv(`${header}1381154400123,"SPY`))).toEqual([[0, 'MALFORMED_ROW']]);
  });

  it('comes out the same however it is cut', () => {
    const cell = fc.constantFrom('1381154400123', 'SPY', '168.5', '', '"q"', '"a,""b""\n"', '"', 'é', 'x"y');
    const line = fc.oneof(
      fc.constantFrom(
        '1381154400123,SPY,168.5,1,id7,x',
        '1381154400123,SPY,168.5,,,é',
        '1381154400123,SPY,168.5,,,\r',
        '',
      ),
      fc.array(cell, { minLength: 4, maxLength: 7 }).map((cells) => cells.join(',')),
    );
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 8 }),
        fc.array(fc.nat(300), { maxLength: 6 }),
        (lines, cuts) => {
          const body = header + lines.join('\n');
          const whole = csv(body);
          expect(csv(body, cuts)).toEqual(whole);
          expect(
            csv(
              body,
              Array.from(Buffer.from(body), (_, i) => i),
            ),
          ).toEqual(whole);
        },
      ),
      { numRuns: 500 },
    );
  });
});
