import type { EventBus } from '../domain/event-bus.js';
import type { StoredTick, Tick } from '../domain/tick.js';
import { BoundedWriter, type BoundedWriterDeps } from './bounded-writer.js';
import { LatestKeeper } from './latest-keeper.js';
import type { RowBounds } from './row-bounds.js';
import { numberArrayValue, textArrayValue } from './sql-literal.js';
import { TickTarget } from './tick.target.js';
import type { CommittedBatch } from './writer/row-target.js';
import { RowWriter } from './writer/row-writer.js';

/** Of the symbols whose newest price is to be written, so many are at a time: this share, and no fewer than these. */
const latestShare = 0.1;
const latestAtLeast = 50;

export interface TickWriterDeps extends BoundedWriterDeps<Tick> {
  readonly bus: EventBus;
}

/** Writes ticks by group commit and tells the other stages (`ticks.stored`) in `seq` order, after the commit. */
export class TickWriter extends BoundedWriter<Tick> {
  protected readonly writer: RowWriter<Tick>;
  protected readonly bounds: RowBounds<Tick>;
  private readonly latest = new LatestKeeper();

  constructor(private readonly deps: TickWriterDeps) {
    super();
    this.bounds = deps.bounds;
    this.writer = new RowWriter<Tick>({
      ...deps,
      target: new TickTarget(deps.partitions, this.latest),
      onCommitted: (batch) => this.announce(batch),
    });
  }

  /** Makes everything accepted durable and refuses what comes later. */
  async stop(): Promise<void> {
    await this.writer.stop();
    await this.flushLatest(1);
  }

  /**
   * Writes newest prices to `latest_ticks`; called once a second. A share at a time: all at once is a transaction long enough
   * for the flushes beside it to feel, and whoever reads the table looks among the ticks for newer ones.
   */
  async flushLatest(share = latestShare): Promise<void> {
    const atMost = Math.max(latestAtLeast, Math.ceil(this.latest.waiting * share));
    await this.latest.flush(
      (values) =>
        this.deps.pool.query({
          name: 'latest_ticks_upsert',
          text: `INSERT INTO latest_ticks AS l (symbol, seq, ts, price)
          SELECT s, q, to_timestamp(t / 1000), p
          FROM unnest($1::text[], $2::bigint[], $3::float8[], $4::float8[]) AS u(s, q, t, p)
          ON CONFLICT (symbol) DO UPDATE SET seq = excluded.seq, ts = excluded.ts, price = excluded.price
          WHERE (excluded.ts, excluded.seq) > (l.ts, l.seq)`,
          values: [
            textArrayValue(values.map((v) => v.owner)),
            numberArrayValue(values.map((v) => v.seq)),
            numberArrayValue(values.map((v) => v.tsMs)),
            numberArrayValue(values.map((v) => v.value)),
          ],
        }),
      atMost,
    );
  }

  private announce({ rows, seqs, ingestedAtMs, storedAtMs }: CommittedBatch<Tick>): void {
    if (rows.length === 0) return;
    const ticks: StoredTick[] = new Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const { symbol, tsMs, price, size, sourceId } = rows[i] as Tick;
      const seq = seqs[i] as number;
      ticks[i] = { symbol, tsMs, price, size, sourceId, seq };
      this.latest.saw(symbol, '', tsMs, price, seq);
    }
    this.deps.bus.emit('ticks.stored', { ticks, ingestedAtMs, storedAtMs });
  }
}
