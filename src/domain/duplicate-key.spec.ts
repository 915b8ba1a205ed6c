import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { duplicateKey } from './duplicate-key.js';

const find = (text: string): string | undefined => duplicateKey(text, JSON.parse(text));

describe('duplicateKey', () => {
  it.each([
    ['{"side":"buy","side":"sell"}', '/side'],
    ['{"a":{"x":1},"b":[0,{"p":1 , "q":2,\n"p" : 3}]}', '/b/1/p'],
    ['{"a":1,"\\u0061":2}', '/a'],
    ['{"a/b~":1,"a/b~":2}', '/a~1b~0'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__'],
    ['{"a\\"":"a\\":","a\\"":1}', '/a"'],
  ])('finds the second one in %s', (text, pointer) => expect(find(text)).toBe(pointer));

  it('finds none in what JSON.stringify writes, whatever it holds', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => find(JSON.stringify(value)) === undefined));
  });

  it('finds a key that is written twice, whatever is around it', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), fc.jsonValue(), (key, a, b) => {
        const member = (value: unknown): string => `${JSON.stringify(key)}:${JSON.stringify(value)}`;
        return find(`[${JSON.stringify(a)},{${member(a)},${member(b)}}]`)?.startsWith('/1/') === true;
      }),
    );
  });
});
