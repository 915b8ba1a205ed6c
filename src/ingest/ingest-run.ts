import { Problem, unavailable } from '../domain/problem.js';
import type { CounterHandle } from '../observability/metrics.js';
import type { AppendOptions } from '../store/writer/row-writer.js';
import type { IngestLane } from './ingest-lane.js';
import type { IngestReport } from './ingest-report.js';
import type { PushParser } from './parse/push-parser.js';
import { RowBatch } from './parse/row-batch.js';
import type { RowBudget } from './row-budget.js';
import type { UploadKey } from './upload-key.js';

/**
 * A body is stored block by block: what begins and ends within one is one append and so one transaction. Fixed offsets,
 * so that a repeated upload makes the same batches however the network cuts it.
 */
export const blockBytes = 512 * 1024;

/** Rows of one append; a block of very short records makes several. */
const maxRowsPerAppend = 10_000;

/** Appends of one upload that are under way at once. */
const maxAppendsInFlight = 4;

export interface IngestRunOptions<Row> {
  readonly lane: IngestLane<Row>;
  readonly parser: PushParser<Row>;
  readonly budget: RowBudget;
  readonly report: IngestReport;
  readonly bytesRead: CounterHandle;
  readonly key?: UploadKey | undefined;
  readonly isStopping: () => boolean;
}

/** One upload on its way: bytes → rows → appends, holding one block and a few appends at a time. */
export class IngestRun<Row> {
  private batch = new RowBatch<Row>();
  private blockFill = 0;
  private blockBeganMs = 0;
  /** Rows given to the lane, or found stored by an earlier attempt. */
  private rowsDone = 0;
  /** Held in the budget and not handed to an append. */
  private heldRows = 0;
  private heldBytes = 0;
  private readonly appends = new Set<Promise<void>>();
  private failure: unknown;

  constructor(private readonly options: IngestRunOptions<Row>) {}

  /** @returns when every row is durable or rejected @throws Problem; what was stored before is its `accepted` */
  async consume(body: AsyncIterable<Buffer>): Promise<void> {
    const { parser, report, budget } = this.options;
    try {
      for await (const chunk of body) {
        for (let from = 0; from < chunk.length; ) {
          const to = Math.min(chunk.length, from + blockBytes - this.blockFill);
          await this.piece(chunk.subarray(from, to));
          from = to;
        }
      }
      parser.end(this.batch);
      this.hold(0);
      await this.flush();
      await this.settled();
    } catch (error) {
      await this.settled().catch(() => undefined);
      throw partlyStored(this.failure ?? error, report.accepted);
    } finally {
      budget.release(this.heldRows, this.heldBytes);
    }
  }

  private async piece(bytes: Buffer): Promise<void> {
    const { options } = this;
    if (options.isStopping()) throw unavailable('STOPPING', 'The server is stopping.', 2);
    if (this.failure !== undefined) throw this.failure;
    if (this.blockFill === 0) this.blockBeganMs = Date.now();
    options.key?.update(bytes);
    options.parser.push(bytes, this.batch);
    options.bytesRead.inc(bytes.length);
    this.hold(bytes.length);
    this.blockFill += bytes.length;
    if (this.blockFill === blockBytes) {
      await this.flush();
      this.blockFill = 0;
    }
    if (options.budget.isFull) await this.pause();
  }

  private hold(bytes: number): void {
    const rows = this.batch.rows.length - this.heldRows;
    this.heldRows += rows;
    this.heldBytes += bytes;
    this.options.budget.hold(rows, bytes);
  }

  /** Back-pressure: nothing is read while the writer has more than it may have. */
  private async pause(): Promise<void> {
    const { budget, key, lane } = this.options;
    lane.meter.waits.inc();
    // What this upload holds must not be what everybody waits for. A named batch has to keep its bounds.
    if (key === undefined) await this.flush();
    while (budget.isFull && budget.isDraining) await budget.changed();
  }

  private async flush(): Promise<void> {
    const { report, lane, key } = this.options;
    const { rows, indices, rejected } = this.batch;
    this.batch = new RowBatch();
    if (rejected.length > 0) {
      report.reject(rejected);
      lane.meter.rejected(rejected);
    }
    // The bytes leave the budget with the first append of the block.
    let bytes = this.heldBytes;
    for (let from = 0; from < rows.length; from += maxRowsPerAppend) {
      const to = Math.min(rows.length, from + maxRowsPerAppend);
      const part = to - from === rows.length ? rows : rows.slice(from, to);
      const known = key?.storedRows(this.rowsDone) ?? null;
      if (known === null) {
        await this.append(part, to - from === rows.length ? indices : indices.slice(from, to), bytes);
      } else {
        report.accepted += known;
        this.release(part.length, bytes);
      }
      this.rowsDone += part.length;
      bytes = 0;
    }
    if (rows.length === 0) this.release(0, bytes);
  }

  private release(rows: number, bytes: number): void {
    this.heldRows -= rows;
    this.heldBytes -= bytes;
    this.options.budget.release(rows, bytes);
  }

  private async append(rows: readonly Row[], indices: readonly number[], bytes: number): Promise<void> {
    const { budget, key } = this.options;
    while (this.appends.size >= maxAppendsInFlight) await Promise.race(this.appends);
    while (!budget.hasRoomToAppend(rows.length)) await budget.changed();
    if (this.failure !== undefined) throw this.failure;
    this.heldRows -= rows.length;
    this.heldBytes -= bytes;
    budget.appending(rows.length);
    const ingestedAtMs = this.blockBeganMs;
    const options = key
      ? { ingestedAtMs, alongside: key.alongside(this.rowsDone, rows.length) }
      : { ingestedAtMs };
    const done = this.store(rows, indices, options).finally(() => {
      budget.appended(rows.length);
      budget.release(rows.length, bytes);
      this.appends.delete(done);
    });
    this.appends.add(done);
  }

  /** Never rejects: the first failure is kept and ends the upload. */
  private async store(
    rows: readonly Row[],
    indices: readonly number[],
    options: AppendOptions,
  ): Promise<void> {
    const { lane, report } = this.options;
    try {
      const outcome = await lane.append(rows, options);
      report.accepted += outcome.stored;
      report.duplicates += outcome.duplicates;
      lane.meter.accepted.inc(outcome.stored);
      lane.meter.duplicate.inc(outcome.duplicates);
      if (outcome.rejected.length > 0) {
        report.reject(outcome.rejected.map((r) => ({ ...r, index: indices[r.index]! })));
        lane.meter.rejected(outcome.rejected);
      }
      lane.stored?.(rows);
    } catch (error) {
      this.failure ??= error;
    }
  }

  private async settled(): Promise<void> {
    while (this.appends.size > 0) await Promise.all(this.appends);
    if (this.failure !== undefined) throw this.failure;
  }
}

/** Says what the client has to know before it repeats the request. */
function partlyStored(error: unknown, accepted: number): unknown {
  if (!(error instanceof Problem) || accepted === 0) return error;
  return new Problem(
    error.status,
    error.code,
    `${error.detail} ${accepted} rows of this request had been stored before; with an Idempotency-Key a repetition stores only the rest.`,
    { ...error.extra, accepted },
  );
}
