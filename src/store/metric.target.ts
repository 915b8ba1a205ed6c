import type { MetricPoint } from '../domain/metric-point.js';
import type { CopyBuffer } from './copy/copy-buffer.js';
import type { LatestKeeper } from './latest-keeper.js';
import type { PartitionService } from './partitions/partition.service.js';
import { spansOf } from './rollups/late-spans.js';
import type { RowFault } from './row-bounds.js';
import { literal, numberArray, textArray } from './sql-literal.js';
import type { BatchStatements, RowBatch, RowTarget } from './writer/row-target.js';

/** Shared by writers for the length of a batch, taken alone by the roll-up while it moves the watermark. */
export const rollupFenceLockId = 7_316_118_002;

/** Sums over any number of values of this size stay within a double; beyond it a roll-up would fail for ever. */
const maxMagnitude = 1e290;

/** What a metric may not be, beside what its time may not be. */
export const metricFault = ({ value }: MetricPoint): RowFault | null =>
  Math.abs(value) <= maxMagnitude
    ? null
    : { code: 'VALUE_OUT_OF_RANGE', message: `The value lies beyond ±${maxMagnitude}.` };

export type MetricKind = 'analytics' | 'risk';

/** How metrics are written, and on plain PostgreSQL how the minutes of late ones are marked for the roll-ups. */
export class MetricTarget implements RowTarget<MetricPoint> {
  readonly name: 'analytics_metrics' | 'risk_metrics';
  readonly sequenced = false;

  constructor(
    private readonly kind: MetricKind,
    private readonly partitions: PartitionService | null,
    private readonly latest: LatestKeeper,
  ) {
    this.name = `${kind}_metrics`;
  }

  bytes(point: MetricPoint): number {
    const metadata = point.metadata === null ? 0 : point.metadata.length;
    return 80 + point.portfolioId.length + point.metricType.length + metadata;
  }

  async prepare({ rows }: RowBatch<MetricPoint>, retry: boolean): Promise<void> {
    await this.partitions?.prepare(this.name, rows, retry);
  }

  statements({ rows }: RowBatch<MetricPoint>): BatchStatements {
    const rolledUp = this.kind === 'analytics' && this.partitions !== null;
    return {
      before: rolledUp ? [`SELECT pg_advisory_xact_lock_shared(${rollupFenceLockId})`] : [],
      copy: `COPY ${this.name} (portfolio_id, metric_type, value, "timestamp", metadata) FROM STDIN (FORMAT binary)`,
      after: (refused) => [
        ...(rolledUp ? [markLateMinutes(rows)] : []),
        ...this.insertNewSeries(rows, refused),
      ],
    };
  }

  encode(point: MetricPoint, _seq: number, into: CopyBuffer): void {
    into.row(5);
    into.text(point.portfolioId);
    into.text(point.metricType);
    into.float8(point.value);
    into.timestamptz(point.tsMs);
    if (point.metadata === null) into.null();
    else into.jsonb(point.metadata);
  }

  /** Every series' first value brings the series into `latest_metrics`, in the same transaction. */
  private insertNewSeries(rows: readonly MetricPoint[], refused: ReadonlySet<number>): string[] {
    const first = new Map<string, MetricPoint>();
    for (let position = 0; position < rows.length; position++) {
      const point = rows[position] as MetricPoint;
      if (this.latest.isKnown(point.portfolioId, point.metricType) || refused.has(position)) continue;
      const key = `${point.portfolioId}\n${point.metricType}`;
      if (!first.has(key)) first.set(key, point);
    }
    if (first.size === 0) return [];
    const values = [...first]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([, p]) =>
          `('${this.kind}', ${literal(p.portfolioId)}, ${literal(p.metricType)}, to_timestamp(${p.tsMs / 1000}), ${p.value})`,
      );
    return [
      `INSERT INTO latest_metrics (kind, portfolio_id, metric_type, "timestamp", value) VALUES ${values.join(', ')} ON CONFLICT DO NOTHING`,
    ];
  }
}

/** The minutes of a batch that are rolled up already (or being rolled up) go to `rollup_dirty`; the server decides. */
function markLateMinutes(rows: readonly MetricPoint[]): string {
  const spans = spansOf(rows);
  const seconds = (ms: readonly number[]): string =>
    numberArray(
      ms.map((v) => v / 1000),
      'double precision',
    );
  return `INSERT INTO rollup_dirty (portfolio_id, from_minute, to_minute)
    SELECT p, to_timestamp(f), least(to_timestamp(t), dirty_before)
    FROM rollup_watermark, unnest(${textArray(spans.map((s) => s.portfolioId))}, ${seconds(spans.map((s) => s.fromMs))}, ${seconds(spans.map((s) => s.toMs))}) AS u(p, f, t)
    WHERE to_timestamp(f) < dirty_before`;
}
