import { describe, expect, it } from '@jest/globals';
import { rowOf } from './log-recorder.js';

describe('a log line as a row', () => {
  const line = (fields: object): string =>
    `${JSON.stringify({ level: 40, time: '2026-01-05T14:30:00.250Z', module: 'store', msg: 'slow', ...fields })}\n`;

  it('has level, module, message and time as columns, and all else as its context', () => {
    expect(rowOf(line({ ms: 7 }))).toEqual({
      level: 'warn',
      module: 'store',
      message: 'slow',
      tsMs: Date.UTC(2026, 0, 5, 14, 30, 0, 250),
      context: '{"ms":7}',
    });
    expect(rowOf(line({ level: 50 }))).toMatchObject({ level: 'error', context: null });
  });

  it('holds nothing that PostgreSQL refuses, and is bounded', () => {
    const row = rowOf(line({ msg: 'a\0b\ud800', peer: 'x\0y', deep: [{ z: '\0' }] }));
    expect(row.message).toBe('ab\ufffd');
    expect(row.context).toBe('{"peer":"xy","deep":[{"z":""}]}');
    expect(rowOf(line({ msg: 'm'.repeat(9_000) })).message).toHaveLength(2_000);
    expect(rowOf(line({ big: 'm'.repeat(90_000) })).context).toBe('{"cut":90010}');
  });
});
