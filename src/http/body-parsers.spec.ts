import { describe, expect, it } from '@jest/globals';
import { Problem } from '../domain/problem.js';
import { decodeUtf8, parseJson } from './body-parsers.js';

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

  it('refuses a key that is given twice, and says where', () => {
    expect(code('{"trades":[{"side":"buy","side":"sell"}]}')).toBe('400 DUPLICATE_KEY');
    expect(() => parseJson('{"trades":[{"side":"buy","side":"sell"}]}')).toThrow('/trades/0/side');
  });

  it('leaves the same words alone as values', () => {
    expect(parseJson('{"name":"__proto__ and constructor"}')).toEqual({ name: '__proto__ and constructor' });
  });
});

describe('decodeUtf8', () => {
  it('reads UTF-8 and refuses what is none', () => {
    expect(decodeUtf8(Buffer.from('"ä\ufffd"'))).toBe('"ä\ufffd"');
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0x22, 0xe4, 0x22]]) {
      expect(() => decodeUtf8(Buffer.from(bytes))).toThrow(expect.objectContaining({ code: 'INVALID_UTF8' }));
    }
  });
});
