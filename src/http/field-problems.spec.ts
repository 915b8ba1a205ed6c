import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { fieldProblems, type Issue } from './field-problems.js';

/** `pointer message` of everything wrong with a body. */
function wrong(schema: z.ZodType, value: unknown): string[] {
  const issues = (schema.safeParse(value).error?.issues ?? []) as readonly Issue[];
  return issues.flatMap((issue) => fieldProblems(issue, 'body')).map((e) => `${e.pointer} ${e.message}`);
}

describe('what is wrong with a field', () => {
  it.each<[string, z.ZodType, unknown, string]>([
    ['what is missing', z.object({ a: z.number() }), {}, '/a is missing: must be a number'],
    ['a wrong type', z.object({ a: z.array(z.string()) }), { a: 1 }, '/a must be an array, not a number'],
    ['a number too large for one', z.number(), Number('1e400'), ' must be a finite number, not Infinity'],
    ['a choice', z.enum(['buy', 'sell']), 'hold', ' must be buy, sell'],
    ['a time', z.iso.datetime({ offset: true }), 'now', ' must be an ISO 8601 time with its zone'],
    ['a message of the schema', z.number().min(1, 'must be at least 1'), 0, ' must be at least 1'],
  ])('is said for %s', (_, schema, value, expected) => expect(wrong(schema, value)).toEqual([expected]));

  it('names what would have been right where there are several ways', () => {
    const ts = z.union([z.iso.datetime({ offset: true }), z.number()]);
    expect(wrong(z.array(ts), [true])).toEqual(['/0 must be a string or a number']);
    expect(wrong(z.array(ts), ['x'])).toEqual(['/0 must be an ISO 8601 time with its zone']);
    expect(wrong(z.object({ ts }), {})).toEqual(['/ts is missing: must be a string or a number']);
  });

  it('judges by the way that was meant', () => {
    const window = z.strictObject({ from: z.string(), to: z.string() });
    expect(wrong(z.union([z.string(), window]), { from: 'a', till: 'b' })).toEqual([
      '/to is missing: must be a string',
      '/till is not a known field',
    ]);
  });
});
