import { describe, expect, it } from '@jest/globals';
import { Gauge } from 'prom-client';
import { expose, wantsOpenMetrics } from './exposition.js';
import { counter, gauge, histogram, unitOf } from './metric-spec.js';
import { Metrics } from './metrics.js';

const hits = counter('tidewatch_test_hits_total', 'Hits.', { kind: ['a', 'b'] });
const depth = gauge(
  'tidewatch_test_depth_bytes',
  'Depth.',
  { queue: 'bounded' },
  { maxSeries: 2, fold: 'sum' },
);
const wait = histogram('tidewatch_test_wait_seconds', 'Wait.', [0.1, 1]);

describe('Metrics', () => {
  it('writes counters, gauges and cumulative histograms as Prometheus text', async () => {
    const metrics = new Metrics();
    metrics.counter(hits, { kind: 'a' }).inc(2);
    metrics.gauge(depth, { queue: 'x "y"\n' }).set(1.5);
    const h = metrics.histogram(wait, {});
    for (const seconds of [0.1, 0.5, 7]) h.observe(seconds);
    expect(await expose(metrics, false)).toBe(
      [
        '# HELP tidewatch_test_hits_total Hits.',
        '# TYPE tidewatch_test_hits_total counter',
        'tidewatch_test_hits_total{kind="a"} 2',
        '# HELP tidewatch_test_depth_bytes Depth.',
        '# TYPE tidewatch_test_depth_bytes gauge',
        'tidewatch_test_depth_bytes{queue="x \\"y\\"\\n"} 1.5',
        '# HELP tidewatch_test_wait_seconds Wait.',
        '# TYPE tidewatch_test_wait_seconds histogram',
        'tidewatch_test_wait_seconds_bucket{le="0.1"} 1',
        'tidewatch_test_wait_seconds_bucket{le="1"} 2',
        'tidewatch_test_wait_seconds_bucket{le="+Inf"} 3',
        'tidewatch_test_wait_seconds_sum 7.6',
        'tidewatch_test_wait_seconds_count 3',
        '',
      ].join('\n'),
    );
  });

  it('speaks OpenMetrics: counter families without _total, units, exemplars of sampled traces, an end marker', async () => {
    const metrics = new Metrics();
    metrics.counter(hits, { kind: 'b' }).inc();
    const h = metrics.histogram(wait, {});
    metrics.exemplars.current = () => '0af7651916cd43dd8448eb211c80319c';
    h.observe(0.5);
    metrics.exemplars.current = () => null;
    h.observe(0.05);
    const text = await expose(metrics, true);
    expect(text).toContain('# TYPE tidewatch_test_hits counter\ntidewatch_test_hits_total{kind="b"} 1\n');
    expect(text).toContain('# UNIT tidewatch_test_wait_seconds seconds\n');
    expect(text).toMatch(/le="0.1"} 1\n/);
    expect(text).toMatch(/le="1"} 2 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.5 \d+(\.\d+)?\n/);
    expect(text.endsWith('# EOF\n')).toBe(true);
  });

  it('exposes no gauge that was never set, was cleared, or is asked and has no answer', async () => {
    const metrics = new Metrics();
    metrics.gauge(depth, { queue: 'never' });
    const cleared = metrics.gauge(depth, { queue: 'cleared' });
    cleared.set(1);
    cleared.clear();
    expect(await expose(metrics, false)).toBe('');
    let answer: number | null = null;
    metrics.gaugeFrom(depth, { queue: 'never' }, () => answer);
    expect(metrics.read(depth.name)).toEqual([]);
    answer = 3;
    expect(metrics.read(depth.name)).toEqual([{ labels: { queue: 'never' }, value: 3 }]);
  });

  it('refuses label values that are not in the catalogue', () => {
    expect(() => new Metrics().counter(hits, { kind: 'c' as 'a' })).toThrow(
      /label kind="c" is not in the catalogue/,
    );
  });

  it('folds label sets beyond the limit into overflow and counts them', () => {
    const metrics = new Metrics();
    const family = metrics.family(depth);
    family.replace(['a', 'b', 'c', 'd'].map((queue, i) => ({ labels: { queue }, value: 10 ** i })));
    expect(metrics.read(depth.name)).toEqual([
      { labels: { queue: 'a' }, value: 1 },
      { labels: { queue: 'b' }, value: 10 },
      { labels: { queue: 'overflow' }, value: 1100 },
    ]);
    expect(family.folded).toBe(2);
  });

  it('forgets series that a replacement no longer names', () => {
    const metrics = new Metrics();
    const family = metrics.family(depth);
    family.replace([{ labels: { queue: 'gone' }, value: 1 }]);
    family.replace([{ labels: { queue: 'here' }, value: 2 }]);
    expect(metrics.read(depth.name)).toEqual([{ labels: { queue: 'here' }, value: 2 }]);
  });

  it('counts what no series can hold instead of throwing', () => {
    const metrics = new Metrics();
    metrics.histogram(wait, {}).observe(Number.NaN);
    metrics.counter(hits, { kind: 'a' }).inc(-1);
    metrics.gauge(depth, { queue: 'q' }).set(Number.NaN);
    expect(metrics.refused).toBe(3);
    expect(metrics.read('tidewatch_test_wait_seconds_count')).toEqual([{ labels: {}, value: 0 }]);
  });

  it('scrapes what a plugin registered with prom-client, and shows ours to prom-client', async () => {
    const metrics = new Metrics();
    metrics.counter(hits, { kind: 'a' }).inc();
    metrics.histogram(wait, {}).observe(0.5);
    new Gauge({ name: 'third_party', help: 'Theirs.', registers: [metrics.registry] }).set(4);
    expect(await expose(metrics, false)).toContain('third_party 4\n');
    const theirs = await metrics.registry.metrics();
    expect(theirs).toContain('tidewatch_test_hits_total{kind="a"} 1');
    expect(theirs).toContain('tidewatch_test_wait_seconds_bucket{le="1"} 1');
  });

  it('reads units off names', () => {
    expect([hits, depth, wait].map(unitOf)).toEqual([null, 'bytes', 'seconds']);
    expect(unitOf({ name: 'tidewatch_x_last_success_timestamp_seconds' })).toBe('timestamp_seconds');
    expect(unitOf({ name: 'tidewatch_cpu_seconds_total' })).toBe('seconds');
  });
});

describe('wantsOpenMetrics', () => {
  it.each([
    [undefined, false],
    ['*/*', false],
    ['text/plain', false],
    ['application/openmetrics-text; version=1.0.0', true],
    ['application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', true],
    ['application/openmetrics-text;q=0.2,text/plain;q=0.9', false],
  ])('%s → %s', (accept, expected) => {
    expect(wantsOpenMetrics(accept)).toBe(expected);
  });
});
