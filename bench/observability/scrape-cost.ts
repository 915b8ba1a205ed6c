import { Gauge, Histogram, Registry } from 'prom-client';
import { expose, noSlices } from '../../src/observability/exposition.js';
import { gauge, histogram } from '../../src/observability/metric-spec.js';
import { Metrics } from '../../src/observability/metrics.js';

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5];
const families = 50;

/** 10,000 lines: half of them gauges with two labels, half of them histogram lines. */
function filled(): { metrics: Metrics; registry: Registry } {
  const metrics = new Metrics();
  const registry = new Registry();
  const perFamily = 5_000 / families;
  for (let f = 0; f < families; f++) {
    const spec = gauge(`tidewatch_bench_${f}`, 'Bench.', { a: 'bounded', b: 'bounded' });
    const peer = new Gauge({ name: `bench_${f}`, help: 'x', labelNames: ['a', 'b'], registers: [registry] });
    for (let i = 0; i < perFamily; i++) {
      metrics.gauge(spec, { a: `a${i}`, b: 'some-value' }).set(i * 1.1);
      peer.set({ a: `a${i}`, b: 'some-value' }, i * 1.1);
    }
  }
  const spec = histogram(
    'tidewatch_bench_seconds',
    'Bench.',
    buckets,
    { route: 'bounded' },
    { maxSeries: 1_000 },
  );
  const peer = new Histogram({
    name: 'bench_seconds',
    help: 'x',
    labelNames: ['route'],
    buckets,
    registers: [registry],
  });
  for (let i = 0; i < 5_000 / (buckets.length + 3); i++) {
    metrics.histogram(spec, { route: `/r${i}` }).observe(0.03);
    peer.observe({ route: `/r${i}` }, 0.03);
  }
  return { metrics, registry };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;

/** What a scrape of 10,000 series takes from the event loop, and the longest it holds it. */
export async function scrapeCost(): Promise<void> {
  const { metrics, registry } = filled();
  const ours: number[] = [];
  const theirs: number[] = [];
  let lines = 0;
  let bytes = 0;
  let longest = 0;
  for (let i = 0; i < 30; i++) {
    const slices = noSlices();
    const text = await expose(metrics, i % 2 === 0, slices);
    if (i >= 10) {
      ours.push(slices.eventLoopMs);
      longest = Math.max(longest, slices.longestMs);
    }
    lines = slices.lines;
    bytes = text.length;
  }
  for (let i = 0; i < 15; i++) {
    const start = performance.now();
    await registry.metrics();
    if (i >= 5) theirs.push(performance.now() - start);
  }
  const [own, peer] = [median(ours), median(theirs)];
  console.log(`scrape of ${lines} series, ${(bytes / 1e6).toFixed(2)} MB (goal ≤ 25 ms of event loop)`);
  console.log(
    `  ${own.toFixed(1)} ms, worst ${Math.max(...ours).toFixed(1)} ms; prom-client ${peer.toFixed(1)} ms, ratio ${(own / peer).toFixed(2)}`,
  );
  console.log(`  longest slice ${longest.toFixed(1)} ms`);
}
