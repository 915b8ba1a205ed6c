import type { MetricSpec } from '../../src/observability/metric-spec.js';
import {
  type CounterHandle,
  type GaugeHandle,
  type HistogramHandle,
  Metrics,
} from '../../src/observability/metrics.js';

const nothing = { inc() {}, dec() {}, set() {}, clear() {}, observe() {}, setTotal() {} };

/** Hands out handles that do nothing: the same program, unwatched. */
export class NoMetrics extends Metrics {
  override counter(_spec: MetricSpec<never>, _labels: object): CounterHandle {
    return nothing;
  }
  override gauge(_spec: MetricSpec<never>, _labels: object): GaugeHandle {
    return nothing;
  }
  override histogram(_spec: MetricSpec<never>, _labels: object): HistogramHandle {
    return nothing;
  }
  override gaugeFrom(): void {}
  override beforeRead(): () => void {
    return () => {};
  }
}
