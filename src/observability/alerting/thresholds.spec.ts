import { describe, expect, it } from '@jest/globals';
import { loadThresholds, parseThresholds, toBase } from './thresholds.js';

const text = (entries: { target?: string; limit?: string }) => `
version: 1
targets:
  api: { component: A, measures: m, statistic: mean, unit: ms, ${entries.target ?? 'target: { below: 200, clear: 180, for: 5m }'}, critical: { above: 1000, for: 2m }, window: 5m, reason: r }
limits:
  pool: { measures: m, unit: '%', ${entries.limit ?? 'warning: { above: 80, for: 0s }'}, window: 1m, reason: r }
slos:
  fast: { measures: m, objective: 0.99, edge: { target: api, of: target }, reason: r }
burn: { period: 30d, min_events: 5, windows: [{ long: 1h, short: 5m, factor: 14.4, severity: critical, for: 2m }] }
`;

describe('thresholds', () => {
  it('turns a target, which names the good side, into the condition of missing it', () => {
    const { targets } = parseThresholds(text({}));
    expect(targets.get('api')?.warning).toEqual({
      direction: 'above',
      threshold: 200,
      clearThreshold: 180,
      inclusive: true,
      forMs: 300_000,
    });
    expect(targets.get('api')?.critical).toMatchObject({
      direction: 'above',
      threshold: 1000,
      inclusive: false,
    });
  });

  it('takes the edge of a latency objective from its row, in seconds', () => {
    expect(parseThresholds(text({})).slos.get('fast')?.edgeSeconds).toBeCloseTo(0.2);
  });

  it('names what is wrong', () => {
    expect(() => parseThresholds(text({ target: 'target: { below: 200, clear: 300, for: 5m }' }))).toThrow(
      /api: clear threshold 300 lies beyond/,
    );
    expect(() => parseThresholds(text({ limit: 'warning: { above: 80, below: 2, for: 0s }' }))).toThrow(
      /exactly one of/,
    );
    expect(() => parseThresholds(text({ limit: 'warning: { above: 80, for: soon }' }))).toThrow(
      /"soon" is not/,
    );
    expect(() => parseThresholds(text({ limit: 'colour: red' }))).toThrow(/pool/);
  });

  it('ships the eight rows with the figures of the performance table', () => {
    const rows = [...loadThresholds().targets.values()];
    const base = (row: (typeof rows)[number], n: number) => toBase(n, row.unit);
    expect(
      rows.map((r) => [
        r.id,
        r.warning.direction,
        base(r, r.warning.threshold),
        base(r, r.critical.threshold),
      ]),
    ).toEqual([
      ['api_response_time', 'above', 0.2, 1],
      ['websocket_latency', 'above', 0.05, 0.2],
      ['websocket_throughput', 'below', 10_000, 1_000],
      ['query_time', 'above', 0.5, 2],
      ['var_time', 'above', 1, 5],
      ['analytics_update', 'above', 0.1, 0.5],
      ['memory', 'above', 2e9, 4e9],
      ['cpu', 'above', 0.7, 0.9],
    ]);
  });
});
