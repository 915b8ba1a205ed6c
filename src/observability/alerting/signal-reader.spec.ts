import { describe, expect, it } from '@jest/globals';
import { counter, gauge, histogram } from '../metric-spec.js';
import { Metrics } from '../metrics.js';
import { MetricHistory } from './metric-history.js';
import { MetricsLeafSource } from './metrics-leaf-source.js';
import { promql, promqlSamples } from './promql.js';
import {
  ageOf,
  averageOf,
  gaugeOf,
  increaseOf,
  meanOf,
  quantileOf,
  rateOf,
  ratioOf,
  type Signal,
  shareAbove,
} from './signal.js';
import { interpolate, SignalReader } from './signal-reader.js';

const requests = histogram('tidewatch_test_seconds', 'h', [0.1, 0.2, 1], { route: 'bounded' });
const sent = counter('tidewatch_test_sent_total', 'c', { pool: ['reader', 'writer'] });
const size = gauge('tidewatch_test_size', 'g', { pool: ['reader', 'writer'] });
const at = gauge('tidewatch_test_last_timestamp_seconds', 'g', { pool: ['reader', 'writer'] });
const window = 60_000;

const setUp = () => {
  const metrics = new Metrics();
  const history = new MetricHistory(new MetricsLeafSource(metrics));
  return { metrics, history, reader: new SignalReader(history) };
};
const only = (reader: SignalReader, signal: Signal, nowMs: number) =>
  reader.read(signal, [], window, nowMs).get('')?.value;

describe('a signal read in the process', () => {
  it('sees what happened within the window, over all series of the group', () => {
    const { metrics, history, reader } = setUp();
    const a = metrics.histogram(requests, { route: '/a' });
    const b = metrics.histogram(requests, { route: '/b' });
    const signals = [
      meanOf(requests),
      quantileOf(0.5, requests),
      shareAbove(0.2, requests),
      increaseOf(requests),
    ];
    for (const signal of signals) reader.prepare(signal, []);
    a.observe(50);
    for (let t = 0; t <= 30_000; t += 5_000) history.sample(t);
    for (let i = 0; i < 3; i++) a.observe(0.05);
    b.observe(0.25);
    for (let t = 35_000; t <= 60_000; t += 5_000) history.sample(t);
    expect(signals.map((s) => only(reader, s, 62_000))).toEqual([
      expect.closeTo(0.1),
      expect.closeTo(0.1 * (2 / 3)),
      expect.closeTo(0.25),
      4,
    ]);
    expect(reader.read(meanOf(requests), [], window, 62_000).get('')?.samples).toBe(4);
    // Later, the window holds none of them: undefined, not 0.
    for (let t = 65_000; t <= 130_000; t += 5_000) history.sample(t);
    expect(signals.map((s) => only(reader, s, 130_000))).toEqual([null, null, null, 0]);
  });

  it('keeps groups apart and names them', () => {
    const { metrics, history, reader } = setUp();
    metrics.gauge(size, { pool: 'reader' }).set(3);
    metrics.gauge(size, { pool: 'writer' }).set(5);
    metrics.counter(sent, { pool: 'reader' }).inc(6);
    metrics.counter(sent, { pool: 'writer' }).inc(0);
    const share = ratioOf(gaugeOf(size), increaseOf(sent));
    reader.prepare(share, ['pool']);
    history.sample(0);
    metrics.counter(sent, { pool: 'reader' }).inc(6);
    const readings = [...reader.read(share, ['pool'], window, 1_000).values()];
    expect(readings).toEqual([
      { labels: { pool: 'reader' }, value: 0.5, samples: 1 },
      { labels: { pool: 'writer' }, value: null, samples: 1 },
    ]);
    expect(only(reader, gaugeOf(size, 'sum'), 1_000)).toBe(8);
    expect(only(reader, gaugeOf(size, 'min', { pool: ['writer'] }), 1_000)).toBe(5);
  });

  it('measures rates over the time that it has really watched', () => {
    const { metrics, history, reader } = setUp();
    const handle = metrics.counter(sent, { pool: 'reader' });
    handle.inc(1_000_000);
    reader.prepare(rateOf(sent), []);
    history.sample(0);
    handle.inc(50);
    expect(only(reader, rateOf(sent), 10_000)).toBe(5);
  });

  it('takes the age of the oldest or the newest time', () => {
    const { metrics, reader } = setUp();
    metrics.gauge(at, { pool: 'reader' }).set(100);
    metrics.gauge(at, { pool: 'writer' }).set(160);
    expect(only(reader, ageOf(at, 'oldest'), 200_000)).toBe(100);
    expect(only(reader, ageOf(at, 'newest'), 200_000)).toBe(40);
  });

  it('averages a gauge over the window and knows nothing of one that is gone', () => {
    const { metrics, history, reader } = setUp();
    const handle = metrics.gauge(size, { pool: 'reader' });
    reader.prepare(averageOf(size), []);
    for (const [t, value] of [
      [0, 100],
      [50_000, 1],
      [60_000, 3],
    ] as const) {
      handle.set(value);
      history.sample(t);
    }
    expect(only(reader, averageOf(size), 65_000)).toBe(2);
    handle.clear();
    expect(reader.read(averageOf(size), [], window, 65_000).size).toBe(0);
  });

  it('does not judge where a guard has no data', () => {
    const { reader } = setUp();
    const guard = { signal: gaugeOf(size), op: '>=' as const, value: 0 };
    expect(reader.passes(guard, [], '', window, 0)).toBe(false);
  });
});

describe('quantiles from buckets', () => {
  it('are linear within a bucket and stop at the last edge', () => {
    expect(interpolate(0.5, [1, 2], [0, 10], 10)).toBe(1.5);
    expect(interpolate(0.95, [1, 2], [0, 10], 20)).toBe(2);
    expect(interpolate(0.5, [1, 2], [0, 0], 0)).toBeNaN();
  });
});

describe('the same signals as PromQL', () => {
  it('keep the process and the group', () => {
    expect(promql(meanOf(requests), 300_000)).toBe(
      'sum by (job, instance) (rate(tidewatch_test_seconds_sum[5m])) / ' +
        'sum by (job, instance) (rate(tidewatch_test_seconds_count[5m]))',
    );
    expect(promql(quantileOf(0.95, requests), 60_000, ['route'])).toBe(
      'histogram_quantile(0.95, sum by (job, instance, route, le) (rate(tidewatch_test_seconds_bucket[1m])))',
    );
    expect(promql(ageOf(at, 'oldest', { pool: ['reader', 'writer'] }), 60_000)).toBe(
      'time() - min by (job, instance) (tidewatch_test_last_timestamp_seconds{pool=~"reader|writer"})',
    );
    expect(promqlSamples(averageOf(size), 60_000)).toBe(
      'max by (job, instance) (count_over_time(tidewatch_test_size[1m]))',
    );
  });
});
