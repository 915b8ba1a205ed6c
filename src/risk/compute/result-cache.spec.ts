import { describe, expect, it } from '@jest/globals';
import { contentHash } from './content-hash.js';
import { ResultCache } from './result-cache.js';

describe('contentHash', () => {
  it('tells apart what a stringified array would merge', () => {
    const base = Array.from({ length: 5000 }, (_, i) => i / 7);
    const other = [...base];
    other[2500] = other[2500]! + 1e-13;
    const all = [
      Float64Array.from(base),
      Float64Array.from(other),
      Float32Array.from(base),
      base,
      { a: base },
      { b: base },
      [base],
      [0],
      [-0],
      ['0'],
      [null],
      [[], []],
      [[[]]],
      { a: 1, b: 2 },
      { a: 12 },
    ].map((v) => contentHash(v));
    expect(new Set(all).size).toBe(all.length);
  });

  it('does not depend on the order of keys, and reads shared memory', () => {
    expect(contentHash({ a: 1, b: [2] })).toBe(contentHash({ b: [2], a: 1 }));
    const shared = new Float64Array(new SharedArrayBuffer(16));
    expect(contentHash(shared)).toBe(contentHash(new Float64Array(2)));
  });
});

describe('ResultCache', () => {
  it('keeps to its bytes, and drops what was not used for longest', () => {
    const cache = new ResultCache(2_000);
    cache.set('a', new Float64Array(60));
    cache.set('b', new Float64Array(60));
    expect(cache.get('a')).toBeDefined();
    cache.set('c', new Float64Array(60));
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('a')).toBeDefined();
    expect(cache.bytes).toBeLessThanOrEqual(2_000);
    expect([cache.evictions, cache.hits, cache.misses]).toEqual([1, 2, 1]);
    cache.set('huge', new Float64Array(10_000));
    expect(cache.get('huge')).toBeUndefined();
    expect(cache.size).toBe(2);
  });
});
