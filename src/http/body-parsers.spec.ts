import { describe, expect, it } from '@jest/globals';
import { Problem } from '../domain/problem.js';
import { parseJson } from './body-parsers.js';

const code = (text: string): string | undefined => {
  try {
    parseJson(text);
    return undefined;
  } catch (error) {
    return error instanceof Problem ? `${error.status} ${error.code}` : String(error);
  }
};

describe('parseJson', () => {
  it('reads JSON', () => {
    expect(parseJson('{"a":[1,null,"x"]}')).toEqual({ a: [1, null, 'x'] });
  });

  it.each(['', '  ', '\n'])('refuses an empty body', (text) => expect(code(text)).toBe('400 EMPTY_BODY'));

  it.each(['{', '{"a":NaN}', '{"a":Infinity}', "{'a':1}", '[1,]', '01', '{"a":1}x'])('refuses %s', (text) =>
    expect(code(text)).toBe('400 MALFORMED_JSON'),
  );

  it('refuses keys that could reach a prototype, however deep or escaped', () => {
    expect(code('{"a":[{"__proto__":{"x":1}}]}')).toBe('400 FORBIDDEN_KEY');
    expect(code('{"constructor":{"prototype":{}}}')).toBe('400 FORBIDDEN_KEY');
    expect(code('{"\\u005f_proto__":{}}')).toBe('400 FORBIDDEN_KEY');
  });

  it('leaves the same words alone as values', () => {
    expect(parseJson('{"name":"__proto__ and constructor"}')).toEqual({ name: '__proto__ and constructor' });
  });
});
