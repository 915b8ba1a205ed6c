import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { MetricPoint } from '../domain/metric-point.js';
import { Problem, unavailable } from '../domain/problem.js';
import type { Tick } from '../domain/tick.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import {
  ingestBufferedBytes,
  ingestBufferedRows,
  ingestBufferLimitRows,
  ingestLateTicks,
  ingestOutOfOrderTicks,
} from '../observability/catalogue/ingest.js';
import { Metrics } from '../observability/metrics.js';
import { MetricWriter } from '../store/metric.writer.js';
import { withOriginalIndices } from '../store/row-bounds.js';
import { TickWriter } from '../store/tick.writer.js';
import type { AppendResult, RejectedRow } from '../store/writer/row-target.js';
import { type BodyFormat, pointParser, tickParser } from './body-format.js';
import { IdempotentUploads } from './idempotent-uploads.js';
import type { IngestLane } from './ingest-lane.js';
import { IngestMeter, type IngestVia } from './ingest-meter.js';
import { type IngestAnswer, type IngestOutcome, IngestReport } from './ingest-report.js';
import { IngestRun } from './ingest-run.js';
import { KnownPortfolios } from './known-portfolios.js';
import type { Precision } from './parse/line-protocol-scanner.js';
import { MetricRows } from './parse/metric-row.js';
import { ParsedRows } from './parse/parsed-rows.js';
import type { PushParser } from './parse/push-parser.js';
import { TickRows } from './parse/tick-row.js';
import { RowBudget } from './row-budget.js';
import { TickOrder } from './tick-order.js';
import type { UploadKey } from './upload-key.js';

/** Rows on their way in: as a body, or taken out of a message already. */
export interface Upload {
  readonly source:
    | {
        readonly body: AsyncIterable<Buffer>;
        readonly format: BodyFormat;
        readonly precision?: Precision;
      }
    | { readonly values: readonly unknown[] };
  readonly via: IngestVia;
  readonly idempotencyKey?: string | undefined;
}

/** Rows given at once by a caller in this process. */
const maxRowsPerAppend = 10_000;

/** The one door into the store for ticks and metrics, whichever way they come. */
@Injectable()
export class IngestService {
  private readonly ticksLane: IngestLane<Tick>;
  private readonly pointsLane: IngestLane<MetricPoint>;
  private readonly budget: RowBudget;
  private readonly running = new Set<Promise<unknown>>();

  constructor(
    ticks: TickWriter,
    points: MetricWriter,
    known: KnownPortfolios,
    private readonly uploads: IdempotentUploads,
    private readonly lifecycle: Lifecycle,
    config: Config,
    metrics: Metrics,
  ) {
    const order = new TickOrder(
      metrics.counter(ingestOutOfOrderTicks, {}),
      metrics.counter(ingestLateTicks, {}),
    );
    this.ticksLane = {
      kind: 'ticks',
      meter: new IngestMeter(metrics, 'ticks'),
      append: (rows, options) => ticks.append(rows, options),
      stored: (rows) => order.observe(rows),
    };
    this.pointsLane = {
      kind: 'metrics',
      meter: new IngestMeter(metrics, 'metrics'),
      append: async (all, options) => {
        const { rows, unknown } = await known.check(all);
        const outcome = await points.append(rows, options);
        if (unknown.length === 0) return outcome;
        return { ...outcome, rejected: withOriginalIndices(unknown, outcome.rejected) };
      },
    };
    this.budget = new RowBudget(config.get('INGEST_BUFFER_MAX_ROWS'));
    metrics.gaugeFrom(ingestBufferedRows, {}, () => this.budget.rows);
    metrics.gaugeFrom(ingestBufferedBytes, {}, () => this.budget.bytes);
    metrics.gauge(ingestBufferLimitRows, {}).set(this.budget.maxRows);
    lifecycle.onShutdown('stop-intake', 'ingest', async () => {
      await Promise.allSettled(this.running);
    });
  }

  /**
   * Ticks of a client. @returns after everything accepted is durable
   * @throws Problem 4xx for what is wrong as a whole, 503 with `retryAfterSeconds` when it cannot be stored now
   */
  uploadTicks(upload: Upload): Promise<IngestOutcome> {
    const { source } = upload;
    const parser =
      'values' in source ? new ParsedRows(new TickRows(), source.values) : tickParser(source.format);
    return this.track(this.upload(this.ticksLane, upload, parser));
  }

  /** Metric points of a client; as {@link uploadTicks}. */
  uploadPoints(upload: Upload): Promise<IngestOutcome> {
    const { source } = upload;
    const parser =
      'values' in source
        ? new ParsedRows(new MetricRows(), source.values)
        : pointParser(source.format, source.precision ?? 'ns', Date.now);
    return this.track(this.upload(this.pointsLane, upload, parser));
  }

  /** Ticks of a caller in this process, valid by construction. @throws Problem 503 */
  ticks(rows: readonly Tick[]): Promise<AppendResult> {
    return this.track(this.appendAll(this.ticksLane, rows));
  }

  private track<T>(work: Promise<T>): Promise<T> {
    this.running.add(work);
    const forget = (): void => {
      this.running.delete(work);
    };
    work.then(forget, forget);
    return work;
  }

  private async upload<Row>(
    lane: IngestLane<Row>,
    upload: Upload,
    parser: PushParser<Row>,
  ): Promise<IngestOutcome> {
    try {
      this.admit();
      const outcome = await this.uploads.once(
        { scope: lane.kind, format: formatName(upload), key: upload.idempotencyKey, body: bodyOf(upload) },
        (key) => this.run(lane, upload, parser, key),
      );
      lane.meter.request(upload.via, outcome.replayed ? 'replayed' : 'stored');
      return outcome;
    } catch (error) {
      const status = error instanceof Problem ? error.status : 500;
      lane.meter.request(upload.via, status === 503 ? 'unavailable' : status < 500 ? 'refused' : 'failed');
      throw error;
    }
  }

  private admit(): void {
    if (this.lifecycle.isStopping) throw unavailable('STOPPING', 'The server is stopping.', 2);
    if (this.budget.isFull) {
      throw unavailable('BUFFER_FULL', 'More rows wait for the database than may wait.', 1);
    }
  }

  private async run<Row>(
    lane: IngestLane<Row>,
    upload: Upload,
    parser: PushParser<Row>,
    key: UploadKey | undefined,
  ): Promise<IngestAnswer> {
    const report = new IngestReport();
    await new IngestRun({
      lane,
      parser,
      budget: this.budget,
      report,
      bytesRead: lane.meter.bodyBytes('values' in upload.source ? 'json' : upload.source.format),
      key,
      isStopping: () => this.lifecycle.isStopping,
    }).consume(bodyOf(upload));
    if (parser.nextIndex === 0 && isLines(upload)) {
      throw new Problem(400, 'EMPTY_BODY', 'The body is empty; one record per line is expected.');
    }
    report.ignoredColumns = 'ignoredColumns' in parser ? (parser.ignoredColumns as readonly string[]) : [];
    return report.answer();
  }

  private async appendAll<Row>(lane: IngestLane<Row>, rows: readonly Row[]): Promise<AppendResult> {
    this.admit();
    this.budget.hold(rows.length, 0);
    const total = { stored: 0, duplicates: 0, rejected: [] as RejectedRow[] };
    try {
      for (let from = 0; from < rows.length; from += maxRowsPerAppend) {
        const part = rows.length <= maxRowsPerAppend ? rows : rows.slice(from, from + maxRowsPerAppend);
        const outcome = await lane.append(part, { ingestedAtMs: Date.now() });
        total.stored += outcome.stored;
        total.duplicates += outcome.duplicates;
        for (const r of outcome.rejected) total.rejected.push({ ...r, index: r.index + from });
        lane.stored?.(part);
      }
    } catch (error) {
      lane.meter.request(
        'process',
        error instanceof Problem && error.status === 503 ? 'unavailable' : 'failed',
      );
      throw error;
    } finally {
      this.budget.release(rows.length, 0);
    }
    lane.meter.accepted.inc(total.stored);
    lane.meter.duplicate.inc(total.duplicates);
    lane.meter.rejected(total.rejected);
    lane.meter.request('process', 'stored');
    return total;
  }
}

function formatName({ source }: Upload): string {
  if ('values' in source) return 'message';
  return source.format === 'line-protocol' ? `${source.format} ${source.precision ?? 'ns'}` : source.format;
}

/** Formats in which no record is no content: a JSON array or a CSV header can say by itself that there is none. */
const isLines = ({ source }: Upload): boolean =>
  'format' in source && (source.format === 'ndjson' || source.format === 'line-protocol');

/** The bytes that say what an upload is. Of a message they are needed for its key only. */
async function* bodyOf({ source, idempotencyKey }: Upload): AsyncGenerator<Buffer> {
  if ('body' in source) yield* source.body;
  else if (idempotencyKey !== undefined) yield Buffer.from(JSON.stringify(source.values));
}
