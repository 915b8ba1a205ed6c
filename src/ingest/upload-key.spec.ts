import { describe, expect, it } from '@jest/globals';
import { readIdempotencyKey, UploadKey, type UploadPart } from './upload-key.js';

describe('an Idempotency-Key', () => {
  it('may be written plain or as a quoted string', () => {
    expect(readIdempotencyKey('a-1')).toBe('a-1');
    expect(readIdempotencyKey('"a-1"')).toBe('a-1');
    expect(readIdempotencyKey(undefined)).toBeUndefined();
  });

  it.each(['', ' a', 'a\u0000', 'é', 'x'.repeat(256)])('like %p is refused', (key) => {
    expect(() => readIdempotencyKey(key)).toThrow(expect.objectContaining({ status: 400 }));
  });
});

describe('a keyed upload', () => {
  const upload = (
    format: string,
    bytes: readonly string[],
    stored: readonly UploadPart[] = [],
  ): UploadKey => {
    const key = new UploadKey(format, { stored, statement: (part) => `${part.firstIndex} ${part.rowCount}` });
    for (const piece of bytes) key.update(Buffer.from(piece));
    return key;
  };

  it('is told from another by its format and its bytes, not by how they arrived', () => {
    const digest = upload('csv', ['ab', 'c']).digest();
    expect(upload('csv', ['a', 'bc']).digest()).toEqual(digest);
    expect(upload('ndjson', ['abc']).digest()).not.toEqual(digest);
    expect(upload('csv', ['abd']).digest()).not.toEqual(digest);
  });

  it('leaves out the parts that an earlier attempt has stored', () => {
    const digest = upload('csv', ['abc']).digest();
    const again = upload('csv', ['abc'], [{ firstIndex: 0, rowCount: 7, digest }]);
    expect(again.storedRows(0)).toBe(7);
    expect(again.storedRows(7)).toBeNull();
    expect(again.alongside(7, 3)).toBe('7 3');
  });

  it('is refused when what was stored came from another body', () => {
    const digest = upload('csv', ['abc']).digest();
    const other = upload('csv', ['abX'], [{ firstIndex: 0, rowCount: 7, digest }]);
    expect(() => other.storedRows(0)).toThrow(
      expect.objectContaining({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' }),
    );
  });
});
