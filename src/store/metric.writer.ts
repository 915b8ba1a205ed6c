import type { MetricPoint } from '../domain/metric-point.js';
import { BoundedWriter, type BoundedWriterDeps } from './bounded-writer.js';
import { LatestKeeper } from './latest-keeper.js';
import { type MetricKind, MetricTarget } from './metric.target.js';
import type { RowBounds } from './row-bounds.js';
import { numberArrayValue, textArrayValue } from './sql-literal.js';
import { RowWriter } from './writer/row-writer.js';

export type MetricWriterDeps = BoundedWriterDeps<MetricPoint>;

/** Group commit of metrics; see the two classes below for the tables. */
abstract class SeriesWriter extends BoundedWriter<MetricPoint> {
  protected readonly writer: RowWriter<MetricPoint>;
  protected readonly bounds: RowBounds<MetricPoint>;
  private readonly latest = new LatestKeeper();

  constructor(
    private readonly kind: MetricKind,
    private readonly deps: MetricWriterDeps,
  ) {
    super();
    this.bounds = deps.bounds;
    this.writer = new RowWriter<MetricPoint>({
      ...deps,
      target: new MetricTarget(kind, deps.partitions, this.latest),
      onCommitted: ({ rows }) => {
        for (const { portfolioId, metricType, tsMs, value } of rows) {
          this.latest.saw(portfolioId, metricType, tsMs, value);
        }
      },
    });
  }

  /** Makes everything accepted durable and refuses what comes later. */
  async stop(): Promise<void> {
    await this.writer.stop();
    await this.flushLatest();
  }

  /** Writes the newest values seen since the last call to `latest_metrics`; called once a second. */
  async flushLatest(): Promise<void> {
    await this.latest.flush((values) =>
      this.deps.pool.query({
        name: 'latest_metrics_upsert',
        text: `INSERT INTO latest_metrics AS l (kind, portfolio_id, metric_type, "timestamp", value)
          SELECT $1, p, m, to_timestamp(t / 1000), v
          FROM unnest($2::text[], $3::text[], $4::float8[], $5::float8[]) AS u(p, m, t, v)
          ON CONFLICT (portfolio_id, kind, metric_type) DO UPDATE
          SET "timestamp" = excluded."timestamp", value = excluded.value
          WHERE excluded."timestamp" >= l."timestamp"`,
        values: [
          this.kind,
          textArrayValue(values.map((v) => v.owner)),
          textArrayValue(values.map((v) => v.name)),
          numberArrayValue(values.map((v) => v.tsMs)),
          numberArrayValue(values.map((v) => v.value)),
        ],
      }),
    );
  }
}

/** `analytics_metrics`: what analytics computes and what clients send. */
export class MetricWriter extends SeriesWriter {
  constructor(deps: MetricWriterDeps) {
    super('analytics', deps);
  }
}

/** `risk_metrics`: what risk computes. */
export class RiskMetricWriter extends SeriesWriter {
  constructor(deps: MetricWriterDeps) {
    super('risk', deps);
  }
}
