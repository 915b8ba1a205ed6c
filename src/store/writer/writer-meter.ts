import {
  type WriterName,
  writerBufferBytes,
  writerBufferRows,
  writerBytes,
  writerDeadLetters,
  writerDuplicates,
  writerFlushRows,
  writerFlushSeconds,
  writerOldestSeconds,
  writerRefused,
  writerRetries,
  writerRows,
} from '../../observability/catalogue/store.js';
import type { ModuleLogger } from '../../observability/logger.js';
import type { CounterHandle, HistogramHandle, Metrics } from '../../observability/metrics.js';

export type RefusalReason = 'buffer_full' | 'database_unavailable' | 'stopping';

/** The metrics and the log of one writer, bound once. */
export class WriterMeter {
  private readonly rows: CounterHandle;
  private readonly duplicateRows: CounterHandle;
  private readonly copyBytes: CounterHandle;
  private readonly seconds: HistogramHandle;
  private readonly flushRows: HistogramHandle;
  private readonly retries: CounterHandle;
  private readonly refusals: Readonly<Record<RefusalReason, CounterHandle>>;
  private readonly deadLetters: Readonly<Record<'22' | '23' | 'other', CounterHandle>>;

  constructor(
    private readonly metrics: Metrics,
    private readonly writer: WriterName,
    private readonly log: ModuleLogger,
  ) {
    const label = { writer };
    this.rows = metrics.counter(writerRows, label);
    this.duplicateRows = metrics.counter(writerDuplicates, label);
    this.copyBytes = metrics.counter(writerBytes, label);
    this.seconds = metrics.histogram(writerFlushSeconds, label);
    this.flushRows = metrics.histogram(writerFlushRows, label);
    this.retries = metrics.counter(writerRetries, label);
    const refused = (reason: RefusalReason): CounterHandle =>
      metrics.counter(writerRefused, { ...label, reason });
    this.refusals = {
      buffer_full: refused('buffer_full'),
      database_unavailable: refused('database_unavailable'),
      stopping: refused('stopping'),
    };
    const dead = (sqlstate_class: string): CounterHandle =>
      metrics.counter(writerDeadLetters, { ...label, sqlstate_class });
    this.deadLetters = { '22': dead('22'), '23': dead('23'), other: dead('other') };
  }

  /** Values that are read when somebody asks. */
  watch(now: { rows: () => number; bytes: () => number; oldestSeconds: () => number }): void {
    const label = { writer: this.writer };
    this.metrics.gaugeFrom(writerBufferRows, label, now.rows);
    this.metrics.gaugeFrom(writerBufferBytes, label, now.bytes);
    this.metrics.gaugeFrom(writerOldestSeconds, label, now.oldestSeconds);
  }

  flushed(rows: number, seconds: number): void {
    this.rows.inc(rows);
    this.flushRows.observe(rows);
    this.seconds.observe(seconds);
  }

  duplicates(rows: number): void {
    if (rows > 0) this.duplicateRows.inc(rows);
  }

  bytes(bytes: number): void {
    this.copyBytes.inc(bytes);
  }

  retry(): void {
    this.retries.inc();
  }

  refused(reason: RefusalReason, rows: number): void {
    this.refusals[reason].inc(rows);
  }

  deadLetter(sqlstate: string): void {
    const cls = sqlstate.slice(0, 2);
    this.deadLetters[cls === '22' || cls === '23' ? cls : 'other'].inc();
    this.log.warn({ writer: this.writer, sqlstate }, 'a row was refused by the database and dead-lettered');
  }

  /** Once per outage. */
  lost(message: string): void {
    this.log.warn({ writer: this.writer, reason: message }, 'the database does not answer; rows wait');
  }
}
