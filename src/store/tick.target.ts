import type { Tick } from '../domain/tick.js';
import { epochDay } from './bar.repository.js';
import type { CopyBuffer } from './copy/copy-buffer.js';
import type { StatementResult } from './copy/copy-query.js';
import type { LatestKeeper } from './latest-keeper.js';
import type { PartitionService } from './partitions/partition.service.js';
import { literal } from './sql-literal.js';
import type { BatchStatements, RowBatch, RowTarget } from './writer/row-target.js';

const columns = 'seq, symbol, ts, price, size, source_id';

const stage = `CREATE TEMPORARY TABLE IF NOT EXISTS tick_stage (
  seq bigint, symbol text, ts timestamptz, price double precision, size double precision, source_id text)
  ON COMMIT DELETE ROWS`;

// In the order of the key, so that two flushes of the same ticks wait for each other instead of deadlocking.
const fromStage = `WITH stored AS (
    INSERT INTO ticks (${columns}) SELECT ${columns} FROM tick_stage ORDER BY symbol, ts, source_id, seq
    ON CONFLICT DO NOTHING RETURNING seq)
  SELECT seq FROM tick_stage WHERE seq NOT IN (SELECT seq FROM stored) ORDER BY seq`;

/**
 * How ticks are written: straight into the table when none has a source id; over a staging table, with the unique index
 * telling which are there already, when some have.
 */
export class TickTarget implements RowTarget<Tick> {
  readonly name = 'ticks';
  readonly sequenced = true;

  constructor(
    private readonly partitions: PartitionService | null,
    private readonly latest: LatestKeeper,
  ) {}

  bytes(tick: Tick): number {
    return 96 + tick.symbol.length + (tick.sourceId === null ? 0 : tick.sourceId.length);
  }

  async prepare({ rows }: RowBatch<Tick>, retry: boolean): Promise<void> {
    await this.partitions?.prepare(this.name, rows, retry);
  }

  statements({ rows, firstSeq }: RowBatch<Tick>): BatchStatements {
    const identified = rows.some((tick) => tick.sourceId !== null);
    const into = identified ? 'tick_stage' : 'ticks';
    return {
      before: identified ? [stage] : [],
      copy: `COPY ${into} (${columns}) FROM STDIN (FORMAT binary)`,
      after: (refused) => [
        ...(identified ? [fromStage] : []),
        ...this.insertNewSymbols(rows, firstSeq, refused),
        ...markPastDays(rows, Date.now()),
      ],
    };
  }

  encode(tick: Tick, seq: number, into: CopyBuffer): void {
    into.row(6);
    into.int8(seq);
    into.text(tick.symbol);
    into.timestamptz(tick.tsMs);
    into.float8(tick.price);
    if (tick.size === null) into.null();
    else into.float8(tick.size);
    if (tick.sourceId === null) into.null();
    else into.text(tick.sourceId);
  }

  duplicates({ firstSeq }: RowBatch<Tick>, after: readonly StatementResult[]): readonly number[] {
    const answer = after[0];
    if (answer === undefined || !answer.command.startsWith('SELECT')) return [];
    return answer.rows.map(([seq]) => Number(seq) - firstSeq);
  }

  async absentRows(
    { rows, firstSeq }: RowBatch<Tick>,
    query: (sql: string) => Promise<StatementResult[]>,
  ): Promise<readonly number[]> {
    const [answer] = await query(
      `SELECT seq FROM ticks WHERE seq >= ${firstSeq} AND seq < ${firstSeq + rows.length}`,
    );
    const stored = new Set(answer?.rows.map(([seq]) => Number(seq) - firstSeq));
    return rows.flatMap((_, position) => (stored.has(position) ? [] : [position]));
  }

  /** Every symbol's first tick brings the symbol into `latest_ticks`, in the same transaction. */
  private insertNewSymbols(rows: readonly Tick[], firstSeq: number, refused: ReadonlySet<number>): string[] {
    const first = new Map<string, number>();
    rows.forEach(({ symbol }, position) => {
      if (this.latest.isKnown(symbol, '') || first.has(symbol) || refused.has(position)) return;
      first.set(symbol, position);
    });
    if (first.size === 0) return [];
    const values = [...first]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([symbol, position]) => {
        const { tsMs, price } = rows[position] as Tick;
        return `(${literal(symbol)}, ${firstSeq + position}, to_timestamp(${tsMs / 1000}), ${price})`;
      });
    return [
      `INSERT INTO latest_ticks (symbol, seq, ts, price) VALUES ${values.join(', ')} ON CONFLICT (symbol) DO NOTHING`,
    ];
  }
}

/** The days before today that ticks belong to, for the end-of-day job; live ticks add no statement. */
function markPastDays(rows: readonly Tick[], nowMs: number): string[] {
  const today = epochDay(nowMs);
  const todayMs = today * 86_400_000;
  const marks = new Set<string>();
  for (const { symbol, tsMs } of rows) {
    if (tsMs < todayMs) marks.add(`(${literal(symbol)}, date '1970-01-01' + (${epochDay(tsMs)}))`);
  }
  return marks.size === 0
    ? []
    : [`INSERT INTO daily_bars_dirty (symbol, day) VALUES ${[...marks].join(', ')}`];
}
