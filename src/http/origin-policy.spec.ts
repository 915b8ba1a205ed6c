import { describe, expect, it } from '@jest/globals';
import { refuseForeign } from './origin-policy.js';

const code = (headers: Record<string, string>) => refuseForeign(headers)?.code;

describe('refuseForeign', () => {
  it.each(['localhost:8001', '127.0.0.1:8001', '[::1]:8001', 'localhost', 'LOCALHOST:1'])(
    'lets %s in',
    (host) => {
      expect(code({ host })).toBeUndefined();
    },
  );

  it.each(['evil.example', 'evil.example:8001', '10.0.0.1:8001', 'localhost.evil.example', '127.0.0.1.evil'])(
    'refuses the host "%s", whatever address it resolves to',
    (host) => {
      expect(code({ host })).toBe('HOST_NOT_ALLOWED');
    },
  );

  it('says that a host is missing', () => {
    expect([code({}), code({ host: '' })]).toEqual(['HOST_MISSING', 'HOST_MISSING']);
  });

  it('takes any host name once keys are asked for, but no page of another origin', () => {
    expect(refuseForeign({ host: 'tidewatch.example' }, false)).toBeUndefined();
    expect(refuseForeign({ host: 'tidewatch.example', origin: 'https://evil.example' }, false)?.code).toBe(
      'ORIGIN_NOT_ALLOWED',
    );
  });

  it('lets its own page in and refuses pages of other origins and of other ports', () => {
    const host = 'localhost:8001';
    expect(code({ host, origin: 'http://localhost:8001' })).toBeUndefined();
    for (const origin of [
      'http://localhost:3000',
      'https://evil.example',
      'null',
      'file://',
      'http://127.0.0.1:8001',
    ]) {
      expect(code({ host, origin })).toBe('ORIGIN_NOT_ALLOWED');
    }
  });

  it('refuses what a browser marks as cross-site, except a followed link', () => {
    const host = 'localhost:8001';
    expect(code({ host, 'sec-fetch-site': 'same-origin' })).toBeUndefined();
    expect(code({ host, 'sec-fetch-site': 'none' })).toBeUndefined();
    expect(code({ host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toBe(
      'ORIGIN_NOT_ALLOWED',
    );
    expect(code({ host, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' })).toBe(
      'ORIGIN_NOT_ALLOWED',
    );
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    expect(code({ host, ...link })).toBeUndefined();
    expect(code({ host, ...link, 'sec-fetch-dest': 'iframe' })).toBe('ORIGIN_NOT_ALLOWED');
  });
});
