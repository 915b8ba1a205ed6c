import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pingNumber, writePong } from './ping.js';

function answer(text: string): string | null {
  const bytes = Buffer.from(`..${text}`);
  const at = pingNumber(bytes, 2, bytes.length);
  if (at === 0) return null;
  const out = Buffer.alloc(200);
  const end = writePong(out, 0, bytes, at, bytes.length - 1, 1_700_000_000_123);
  expect(out[1]).toBe(end - 2);
  return out.toString('utf8', 2, end);
}

describe('the ping that is answered without JSON', () => {
  it('answers both spellings with the number as it came', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e15, noNaN: true }), fc.boolean(), (timestamp, python) => {
        const number = JSON.stringify(timestamp);
        const text = python
          ? `{"type": "ping", "timestamp": ${number}}`
          : `{"type":"ping","timestamp":${number}}`;
        const got = answer(text);
        if (/e/.test(number)) expect(got).toBeNull();
        else expect(got).toBe(`{"type":"pong","timestamp":${number},"server_time":1700000000123}`);
      }),
    );
  });

  it('recognises nothing that is not exactly this: whatever it answers is valid JSON and the same number', () => {
    const base = '{"type":"ping","timestamp":1700000000000.5}';
    fc.assert(
      fc.property(fc.nat(base.length), fc.string({ maxLength: 3 }), fc.nat(3), (at, insert, drop) => {
        const text = base.slice(0, at) + insert + base.slice(at + drop);
        const got = answer(text);
        if (got === null) return;
        const sent = JSON.parse(text) as { type: string; timestamp: number };
        expect(Object.keys(sent)).toEqual(['type', 'timestamp']);
        expect(JSON.parse(got)).toMatchObject({ type: 'pong', timestamp: sent.timestamp });
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    '{"type":"ping","timestamp":01}',
    '{"type":"ping","timestamp":1.}',
    '{"type":"ping","timestamp":.5}',
    '{"type":"ping","timestamp":1.2.3}',
    '{"type":"ping","timestamp":}',
    '{"type":"ping","timestamp":1,"x":2}',
    '{"type":"pong","timestamp":1}',
    '{"type":"ping","timestamp":"1"}',
    '',
    '{}',
  ])('leaves %s to the parser', (text) => {
    expect(answer(text)).toBeNull();
  });
});
