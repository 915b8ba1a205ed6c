import { describe, expect, it } from '@jest/globals';
import { decodeCursor, encodeCursor } from './cursor.js';

const list = ['ticks', 'AAPL'];
const kinds = ['us', 'ms', 'count', 'text'] as const;
const good = ['1700000000123456', 1_700_000_000_000.5, 3, 'ä?&/+'] as const;
const decode = (cursor: string, of = list) => decodeCursor(of, cursor, kinds);

describe('cursors', () => {
  it('survive the way through a URL', () => {
    const cursor = encodeCursor(list, good);
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(decode(cursor)).toEqual(good);
  });

  it.each(['', '!!', 'bnVsbA', Buffer.from('{}').toString('base64url')])(
    'refuse what is none: %s',
    (text) => {
      expect(() => decode(text)).toThrow('is not a cursor');
    },
  );

  it('refuse one of another query', () => {
    expect(() => decode(encodeCursor(list, good), ['ticks', 'SPX'])).toThrow('another list or query');
  });

  it.each([
    [0, ''],
    [0, 'x'],
    [0, '01'],
    [0, '-0'],
    [0, '1.5'],
    [0, '9223372036854775807'],
    [0, '99999999999999999999'],
    [0, 1],
    [1, 1e300],
    [1, '1'],
    [1, null],
    [2, 1.5],
    [2, -1],
    [2, 2 ** 60],
    [3, 'a\0b'],
    [3, '\ud800'],
    [3, 'x'.repeat(257)],
    [3, 7],
  ] as const)('refuse a value %d that the database could not take: %j', (at, value) => {
    const altered: unknown[] = [...good];
    altered[at] = value;
    expect(() => decode(encodeCursor(list, altered as string[]))).toThrow(
      expect.objectContaining({ status: 400, code: 'INVALID_CURSOR' }),
    );
  });

  it('refuse too few and too many values', () => {
    expect(() => decode(encodeCursor(list, good.slice(1)))).toThrow('altered');
    expect(() => decode(encodeCursor(list, [...good, 1]))).toThrow('altered');
  });
});
