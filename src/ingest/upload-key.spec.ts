import { describe, expect, it } from '@jest/globals';
import { readIdempotencyKey, UploadKey } from './upload-key.js';

describe('an Idempotency-Key', () => {
  it('may be written plain or as a quoted string', () => {
    expect(readIdempotencyKey('a-1')).toBe('a-1');
    expect(readIdempotencyKey('"a-1"')).toBe('a-1');
    expect(readIdempotencyKey(undefined)).toBeUndefined();
  });

  it.each(['', ' a', 'a\u0000', 'é', 'x'.repeat(256)])('like %p is refused', (key) => {
    expect(() => readIdempotencyKey(key)).toThrow(expect.objectContaining({ status: 400 }));
  });

  it('names batches by everything that makes them what they are', () => {
    const name = (scope: string, key: string, format: string, bytes: string, part: number): string => {
      const upload = new UploadKey(scope, key, format);
      for (const char of bytes) upload.update(Buffer.from(char));
      return upload.batchId(part);
    };
    const base = name('ticks', 'k', 'csv', 'body', 0);
    expect(base).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(name('ticks', 'k', 'csv', 'body', 0)).toBe(base);
    const others = [
      name('metrics', 'k', 'csv', 'body', 0),
      name('ticks', 'K', 'csv', 'body', 0),
      name('ticks', 'k', 'ndjson', 'body', 0),
      name('ticks', 'k', 'csv', 'bodY', 0),
      name('ticks', 'k', 'csv', 'body', 1),
    ];
    expect(new Set([base, ...others]).size).toBe(6);
  });
});
