import type { MetricSpec } from '../../src/observability/metric-spec.js';
import {
  type CounterHandle,
  type GaugeHandle,
  type HistogramHandle,
  Metrics,
} from '../../src/observability/metrics.js';

/** Metrics that can be switched off and on again under a running program: what is off does nothing, at the price of one branch. */
export class SwitchedMetrics extends Metrics {
  on = true;

  override counter<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): CounterHandle {
    const real = lazy(() => super.counter(spec, labels));
    return {
      inc: (by) => {
        if (this.on) real().inc(by);
      },
      // Totals of others are set at scrapes, which are not what is measured here.
      setTotal() {},
    } as CounterHandle;
  }

  override gauge<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): GaugeHandle {
    const real = lazy(() => super.gauge(spec, labels));
    return {
      set: (value) => {
        if (this.on) real().set(value);
      },
      inc: (by) => {
        if (this.on) real().inc(by);
      },
      dec: (by) => {
        if (this.on) real().dec(by);
      },
      clear: () => {
        if (this.on) real().clear();
      },
    };
  }

  override histogram<L extends string>(spec: MetricSpec<L>, labels: Record<L, string>): HistogramHandle {
    const real = lazy(() => super.histogram(spec, labels));
    return {
      observe: (value) => {
        if (this.on) real().observe(value);
      },
    };
  }
}

/** Made when it is first needed: what looks its series up each time pays for that only while it is on. */
function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
