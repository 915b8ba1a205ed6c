import { describe, expect, it } from '@jest/globals';
import type { Alert, Silence, SilenceMatchers } from './alert.js';
import { covers, isActive, silenceOf } from './silences.js';

const silence = (changes: Partial<Silence> = {}): Silence => ({
  id: 's',
  kind: 'silence',
  matchers: { name: 'CpuHigh' },
  by: 'ada',
  comment: 'known',
  startsAtMs: 1_000,
  endsAtMs: 2_000,
  createdAtMs: 0,
  endedAtMs: null,
  ...changes,
});
const alert = {
  name: 'CpuHigh',
  severity: 'warning',
  threshold: 'cpu',
  instance: 'host:8001',
  labels: { pool: 'reader', table: 'ticks' },
} as unknown as Alert;

describe('a silence', () => {
  it('holds from its start until just before its end, and no longer than until somebody ended it', () => {
    const active = (atMs: number, changes?: Partial<Silence>) => isActive(silence(changes), atMs);
    expect([999, 1_000, 1_999, 2_000].map((atMs) => active(atMs))).toEqual([false, true, true, false]);
    expect(active(1_500, { endedAtMs: 1_400 })).toBe(false);
  });

  it('covers an alert that all of its matchers name', () => {
    expect(covers({}, alert)).toBe(true);
    expect(covers({ name: 'CpuHigh', severity: 'warning', labels: { pool: 'reader' } }, alert)).toBe(true);
    const others: readonly SilenceMatchers[] = [
      { name: 'CpuCritical' },
      { severity: 'critical' },
      { threshold: 'memory' },
      { instance: 'other:8001' },
      { labels: { pool: 'writer' } },
      { labels: { collector: '' } },
    ];
    for (const matchers of others) {
      expect([matchers, covers(matchers, alert)]).toEqual([matchers, false]);
    }
  });

  it('that lasts longest is the one that is shown', () => {
    const longer = silence({ id: 'longer', kind: 'maintenance', matchers: {}, endsAtMs: 3_000 });
    expect(silenceOf(alert, [silence(), longer], 1_500)?.id).toBe('longer');
    expect(silenceOf(alert, [silence(), longer], 3_000)).toBeNull();
  });
});
