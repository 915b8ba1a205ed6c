import { context, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { Counter, Histogram, Registry } from 'prom-client';
import { counter, gauge, histogram } from '../../src/observability/metric-spec.js';
import { Metrics } from '../../src/observability/metrics.js';
import { activeTraceId } from '../../src/observability/tracing/tracing.js';

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5];

/** Nanoseconds per call: the median of several rounds, after a warm-up. */
function nanoseconds(call: (i: number) => void): number {
  const calls = 300_000;
  const rounds: number[] = [];
  for (let round = 0; round < 9; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) call(i);
    rounds.push(Number(process.hrtime.bigint() - start) / calls);
  }
  return rounds.slice(2).sort((a, b) => a - b)[3] as number;
}

/** What one observation with a pre-bound handle costs, and what prom-client's takes in the same run. */
export function observationCost(): void {
  const metrics = new Metrics();
  const values = Float64Array.from({ length: 1024 }, (_, i) => 0.0005 * 1.009 ** i);
  const at = (i: number) => values[i & 1023] as number;
  const ours = {
    counter: metrics.counter(counter('tidewatch_bench_total', 'Bench.', { kind: ['a'] }), { kind: 'a' }),
    gauge: metrics.gauge(gauge('tidewatch_bench_depth', 'Bench.', { kind: ['a'] }), { kind: 'a' }),
    histogram: metrics.histogram(histogram('tidewatch_bench_seconds', 'Bench.', buckets, { kind: ['a'] }), {
      kind: 'a',
    }),
    windowed: metrics.histogram(
      histogram(
        'tidewatch_bench_windowed_seconds',
        'Bench.',
        buckets,
        { kind: ['a'] },
        { window: 'query_time' },
      ),
      { kind: 'a' },
    ),
  };
  const registers = [new Registry()];
  const theirs = {
    counter: new Counter({ name: 'bench_total', help: 'x', labelNames: ['kind'], registers }).labels({
      kind: 'a',
    }),
    histogram: new Histogram({
      name: 'bench_seconds',
      help: 'x',
      labelNames: ['kind'],
      buckets,
      registers,
    }).labels({
      kind: 'a',
    }),
  };
  const loop = nanoseconds((i) => void at(i));
  const row = (name: string, ns: number, peer?: number) => {
    const ratio =
      peer === undefined ? '' : `   prom-client ${peer.toFixed(0)} ns, ratio ${(ns / peer).toFixed(2)}`;
    console.log(`  ${name.padEnd(44)} ${ns.toFixed(0).padStart(5)} ns${ratio}`);
  };
  console.log('observation with a pre-bound handle (goal ≤ 150 ns)');
  const net = (call: (i: number) => void) => Math.max(0, nanoseconds(call) - loop);
  row(
    'counter',
    net(() => ours.counter.inc()),
    net(() => theirs.counter.inc()),
  );
  row(
    'gauge',
    net((i) => ours.gauge.set(at(i))),
  );
  row(
    'histogram',
    net((i) => ours.histogram.observe(at(i))),
    net((i) => theirs.histogram.observe(at(i))),
  );
  row(
    'histogram that a threshold row is judged by',
    net((i) => ours.windowed.observe(at(i))),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  metrics.exemplars.current = activeTraceId;
  row(
    'the same, tracing on, outside of a trace',
    net((i) => ours.windowed.observe(at(i))),
  );
  const span = trace.wrapSpanContext({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.SAMPLED,
  });
  const within = trace.setSpan(ROOT_CONTEXT, span);
  row(
    'the same, within a sampled span: exemplars',
    context.with(within, () => net((i) => ours.windowed.observe(at(i)))),
  );
  // One exemplar per bucket and tick of the clock: the others are spared this.
  row(
    '  look-up of the trace id, for the first one',
    context.with(within, () => net(() => void activeTraceId())),
  );
  context.disable();
  metrics.exemplars.current = null;
}
