import { describe, expect, it } from '@jest/globals';
import { Admission } from './admission.js';

const limits = { maxConnections: 3, maxPerAddress: 2, maxPerKey: 1, connectsPerSecond: 10 };

describe('Admission', () => {
  it('counts connections per process, address and key, and gives places back', () => {
    const admission = new Admission({ ...limits, connectsPerSecond: 1_000 });
    admission.enter('a');
    admission.enter('a');
    expect(admission.refuse('a')).toMatchObject({ status: 429, code: 'TOO_MANY_CONNECTIONS' });
    expect(admission.refuse('b')).toBeUndefined();
    admission.enter('b');
    expect(admission.refuse('c')).toMatchObject({ status: 503 });
    admission.leave('a');
    expect(admission.refuse('a')).toBeUndefined();
    admission.enterKey('k');
    expect(admission.refuseKey('k')).toMatchObject({ status: 429 });
    admission.leaveKey('k');
    expect(admission.refuseKey('k')).toBeUndefined();
    expect(admission.connections).toBe(2);
  });

  it('takes a burst of handshakes and then the rate, and says when to come back', () => {
    let now = 0;
    const admission = new Admission(limits, () => now);
    const tryAll = (count: number) =>
      Array.from({ length: count }, () => admission.refuse('a')).filter((r) => r === undefined).length;
    expect(tryAll(100)).toBe(40);
    now += 500;
    expect(tryAll(100)).toBe(5);
    expect(Number(admission.refuse('a')?.headers?.['Retry-After'])).toBeGreaterThanOrEqual(1);
  });
});
