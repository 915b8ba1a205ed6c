import { describe, expect, it } from '@jest/globals';
import { decodeCursor, encodeCursor } from './cursor.js';

describe('cursors', () => {
  it('survive the way through a URL', () => {
    const cursor = encodeCursor([1.5, 'ä?&/+']);
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(decodeCursor(cursor, ['number', 'string'])).toEqual([1.5, 'ä?&/+']);
  });

  it.each(['', '!!', encodeCursor(['a']), encodeCursor([1, 2]), Buffer.from('{}').toString('base64url')])(
    'refuse what they are not: %s',
    (cursor) => {
      expect(() => decodeCursor(cursor, ['number', 'string'])).toThrow(/cursor/);
    },
  );
});
