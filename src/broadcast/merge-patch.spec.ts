import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { applyMergePatch } from '../client/merge-patch.js';
import { mergePatch } from './merge-patch.js';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown>;
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('mergePatch', () => {
  it('applied to the old value gives the new one, or there is no patch', () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patch = mergePatch(from, to);
        if (patch === undefined) return;
        expect(plain(applyMergePatch(from, plain(patch)))).toEqual(plain(to));
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes __proto__ for a member like any other', () => {
    const [from, to] = [JSON.parse('{"a":1}'), JSON.parse('{"a":1,"__proto__":{"b":[]}}')] as [
      unknown,
      unknown,
    ];
    const applied = applyMergePatch(from, plain(mergePatch(from, to)));
    expect(JSON.stringify(applied)).toBe(JSON.stringify(to));
    expect(Object.getPrototypeOf(applied)).toBe(Object.prototype);
  });

  it('is small when little changed', () => {
    const from = { a: 1, b: { c: [1, 2], d: 'x' }, e: 5 };
    expect(plain(mergePatch(from, { a: 1, b: { c: [1, 2], d: 'y' } }))).toEqual({ b: { d: 'y' }, e: null });
  });

  it('does not exist for what is nested deeper than the stack may be', () => {
    const nested = (levels: number, leaf: number, open: string, close: string): unknown =>
      JSON.parse(`{"x":${open.repeat(levels)}${leaf}${close.repeat(levels)}}`);
    for (const [open, close] of [
      ['{"a":', '}'],
      ['[', ']'],
    ] as const) {
      const [from, to] = [nested(5_000, 1, open, close), nested(5_000, 2, open, close)];
      const patch = mergePatch(from, to);
      // An array is replaced whole, however deep it is.
      if (open === '[') expect(patch?.x).toBe((to as { x: unknown }).x);
      else expect(patch).toBeUndefined();
      expect(mergePatch({ x: 0 }, nested(5_000, 1, '{"a":', '}'))).toBeUndefined();
    }
    expect(plain(mergePatch(nested(60, 1, '{"a":', '}'), nested(60, 2, '{"a":', '}')))).toEqual(
      nested(60, 2, '{"a":', '}'),
    );
  });

  it('does not exist where a member becomes null, since null removes', () => {
    expect(mergePatch({ a: 1 }, { a: null })).toBeUndefined();
    expect(mergePatch({ a: { b: 1 } }, { a: { b: 1, c: { d: null } } })).toBeUndefined();
    expect(plain(mergePatch({ a: null }, { a: null }))).toEqual({});
    expect(mergePatch([1], { a: 1 })).toBeUndefined();
  });
});
