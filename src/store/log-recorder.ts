import type { CounterHandle } from '../observability/metrics.js';
import type { PartitionService } from './partitions/partition.service.js';
import { ColumnTarget, type CopyColumn, jsonOrNull } from './writer/column-target.js';
import { RowWriter, type RowWriterDeps } from './writer/row-writer.js';

interface LogRow {
  readonly level: string;
  readonly module: string;
  readonly message: string;
  readonly tsMs: number;
  /** JSON text of an object: the other fields of the line. */
  readonly context: string | null;
}

const columns: readonly CopyColumn<LogRow>[] = [
  { name: 'level', write: (row, to) => to.text(row.level) },
  { name: 'module', write: (row, to) => to.text(row.module) },
  { name: 'message', write: (row, to) => to.text(row.message) },
  { name: '"timestamp"', write: (row, to) => to.timestamptz(row.tsMs) },
  { name: 'context', write: (row, to) => jsonOrNull(to, row.context) },
];

/** Lines that may wait to be written; further ones are only in the log file, and counted. */
const maxWaiting = 1_000;
const maxMessage = 2_000;
const maxContext = 16_384;

/**
 * Keeps lines of `warn` and worse in `debug_logs` for three days, so that what every process complained about can be
 * asked for in SQL beside the data. On the way of a log line it costs a push; parsing and writing wait for the flush.
 */
export class LogRecorder {
  private waiting: string[] = [];
  private readonly writer: RowWriter<LogRow>;

  constructor(
    deps: Omit<RowWriterDeps<LogRow>, 'target' | 'onCommitted'>,
    partitions: PartitionService | null,
    private readonly unrecorded: CounterHandle,
  ) {
    const bytes = (row: LogRow): number => 120 + row.message.length + (row.context?.length ?? 0);
    this.writer = new RowWriter({
      ...deps,
      target: new ColumnTarget('debug_logs', columns, partitions, bytes),
    });
  }

  /** Takes one line of the log, as pino writes it. */
  write(line: string): void {
    if (this.waiting.length < maxWaiting) this.waiting.push(line);
    else this.unrecorded.inc();
  }

  /** Writes what has come since the last time. @throws Problem 503; the lines wait for the next time */
  async flush(): Promise<void> {
    const lines = this.waiting;
    if (lines.length === 0) return;
    this.waiting = [];
    try {
      await this.writer.append(lines.map(rowOf));
    } catch (error) {
      const room = Math.max(0, maxWaiting - this.waiting.length);
      this.unrecorded.inc(Math.max(0, lines.length - room));
      this.waiting = [...lines.slice(0, room), ...this.waiting];
      throw error;
    }
  }

  /** Writes the rest and refuses what comes later. */
  async stop(): Promise<void> {
    await this.flush().catch(() => undefined);
    await this.writer.stop();
  }
}

const levels: Readonly<Record<number, string>> = { 40: 'warn', 50: 'error', 60: 'fatal' };

/** @param line JSON of pino */
export function rowOf(line: string): LogRow {
  const { level, time, module, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const context = Object.keys(rest).length === 0 ? null : JSON.stringify(rest, cleanTexts);
  return {
    level: levels[Number(level)] ?? String(level),
    module: typeof module === 'string' ? module : 'server',
    message: cleaned(typeof msg === 'string' ? msg : '').slice(0, maxMessage),
    tsMs: typeof time === 'string' ? Date.parse(time) : Number(time),
    context:
      context !== null && context.length > maxContext ? JSON.stringify({ cut: context.length }) : context,
  };
}

const cleanTexts = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? cleaned(value) : value;

/** PostgreSQL takes neither U+0000 nor half of a surrogate pair. */
const cleaned = (text: string): string => text.replaceAll('\0', '').toWellFormed();
