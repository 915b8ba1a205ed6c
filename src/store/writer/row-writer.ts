import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { Problem, unavailable } from '../../domain/problem.js';
import {
  activeTrace,
  inBatchSpan,
  inThisTrace,
  outsideOfTraces,
} from '../../observability/tracing/tracing.js';
import type { MeteredPool } from '../metered-pool.js';
import type { SeqSource } from '../seq-source.js';
import { AppendQueue, type Entry } from './append-queue.js';
import { answerEntries, type Batch, committedRows } from './batch.js';
import { type BatchOutcome, BatchSender } from './batch-sender.js';
import { Delivery, type Verdict } from './delivery.js';
import type { AppendResult, CommittedBatch, RowTarget } from './row-target.js';
import { classifyFailure, isConnectionLoss, messageOf } from './sqlstate.js';
import type { WriterMeter } from './writer-meter.js';

export interface RowWriterLimits {
  /** Rows accepted and not durable before `append` answers 503. */
  readonly maxBufferRows: number;
  /** The same in estimated bytes. */
  readonly maxBufferBytes: number;
  /** A batch is closed at this size… */
  readonly maxBatchRows: number;
  readonly maxBatchBytes: number;
  /** …or when the last one was begun this long ago and a connection is free: the first row after a pause does not wait. */
  readonly spacingMs: number;
  /** Longest wait for durability before the sender is told to repeat. */
  readonly ackTimeoutMs: number;
  /** Batches under way at once. */
  readonly concurrency: number;
}

const defaultLimits: RowWriterLimits = {
  maxBufferRows: 200_000,
  maxBufferBytes: 128 * 2 ** 20,
  maxBatchRows: 10_000,
  maxBatchBytes: 8 * 2 ** 20,
  spacingMs: 3,
  ackTimeoutMs: 10_000,
  concurrency: 2,
};

/** Largest append that is one transaction; callers split longer streams. */
export const maxRowsPerAppend = 50_000;

/**
 * A batch under way for this long is slow: what has come since does not wait for it, which would add up. Where rows have no
 * place in an order, it does: the newer of two values of one time is the one that is announced later.
 */
const slowMs = 5;
/** Shortest pause when the database could not even be reached for a batch. */
const reconnectMs = 50;
/** After this long without the database, appends are refused at once instead of after the ack timeout. */
const failFastAfterMs = 2_000;

export interface AppendOptions {
  /** When the first byte of the rows arrived, Unix ms; default: now. */
  readonly ingestedAtMs?: number;
  /** A statement (literals only) that commits together with the rows, such as the part of an idempotent request. */
  readonly alongside?: string;
}

export interface RowWriterDeps<Row> {
  readonly target: RowTarget<Row>;
  readonly pool: Pick<MeteredPool, 'connect'>;
  readonly seq: SeqSource;
  readonly meter: WriterMeter;
  readonly limits?: Partial<RowWriterLimits>;
  /** News of a commit; runs in `seq` order for sequenced tables. */
  readonly onCommitted?: (batch: CommittedBatch<Row>) => void;
  readonly onDefect: (error: unknown) => void;
}

/**
 * Group commit: appends of many callers become one binary `COPY` and one commit. A call resolves after the commit that
 * holds its rows; one that was refused can be repeated. Nothing is dropped silently and nothing grows without bound.
 *
 *     append → queue (bounded) → batch (size or age) → COPY in one transaction → announce in seq order → resolve
 */
export class RowWriter<Row> {
  private readonly queue = new AppendQueue<Row>();
  private readonly limits: RowWriterLimits;
  private readonly sender: BatchSender<Row>;
  /** Batches that have left the queue and are not settled; at most `concurrency`. */
  private readonly inFlight = new Set<Batch<Row>>();
  private active = 0;
  /** When the last batch was begun, monotonic ms. */
  private begunAt = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private wakesAt = Number.POSITIVE_INFINITY;
  private downSince: number | undefined;
  private stopping = false;
  private idleWaiters: (() => void)[] = [];

  constructor(private readonly deps: RowWriterDeps<Row>) {
    this.limits = { ...defaultLimits, ...deps.limits };
    this.sender = new BatchSender(deps.target, (bytes) => deps.meter.bytes(bytes));
    deps.meter.watch({
      rows: () => this.pendingRows,
      bytes: () => this.pendingBytes,
      oldestSeconds: () => this.oldestAgeMs() / 1000,
    });
  }

  /** Rows accepted and not yet durable. */
  get pendingRows(): number {
    let { rows } = this.queue;
    for (const batch of this.inFlight) rows += batch.rows.length;
    return rows;
  }

  /**
   * @param rows validated; at most {@link maxRowsPerAppend}
   * @returns after the commit
   * @throws Problem 503 `BUFFER_FULL`, `DATABASE_UNAVAILABLE` or `STOPPING`: nothing of it is stored, or, when the
   *   connection was lost at the very commit, it is stored whole and unacknowledged
   */
  append(rows: readonly Row[], opts: AppendOptions = {}): Promise<AppendResult> {
    if (rows.length === 0) return Promise.resolve({ stored: 0, duplicates: 0, rejected: [] });
    const refusal = this.refusal(rows.length);
    if (refusal !== null) return Promise.reject(refusal);
    let bytes = 0;
    for (const row of rows) bytes += this.deps.target.bytes(row);
    return new Promise((resolve, reject) => {
      const entry: Entry<Row> = {
        rows,
        bytes,
        ingestedAtMs: opts.ingestedAtMs ?? Date.now(),
        alongside: opts.alongside ?? null,
        trace: activeTrace(),
        enqueuedAt: performance.now(),
        resolve,
        reject,
      };
      this.queue.push(entry);
      this.pump();
    });
  }

  /** Makes everything accepted durable; appends are refused from now on. Ends at the latest after the ack timeout. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    this.pump();
    if (this.queue.isEmpty && this.active === 0) return;
    await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  private refusal(rows: number): Problem | null {
    const { limits } = this;
    if (rows > maxRowsPerAppend) {
      return new Problem(
        413,
        'BATCH_TOO_LARGE',
        `One append holds at most ${maxRowsPerAppend} rows, not ${rows}.`,
      );
    }
    if (this.stopping) {
      this.deps.meter.refused('stopping', rows);
      return unavailable('STOPPING', 'The server is stopping.', 2);
    }
    if (this.downSince !== undefined && performance.now() - this.downSince > failFastAfterMs) {
      this.deps.meter.refused('database_unavailable', rows);
      return databaseAway();
    }
    // One append always fits into an empty buffer, whatever its size.
    const full = this.pendingRows > 0 && this.pendingRows + rows > limits.maxBufferRows;
    if (full || this.pendingBytes > limits.maxBufferBytes) {
      this.deps.meter.refused('buffer_full', rows);
      return unavailable('BUFFER_FULL', 'More rows wait for the database than the buffer may hold.', 1);
    }
    return null;
  }

  private pump(): void {
    while (!this.queue.isEmpty && this.active < this.limits.concurrency) {
      const waitMs = this.spacingLeft();
      if (waitMs > 0) {
        this.wake(waitMs);
        return;
      }
      // One batch's worth per connection: a second one is opened only for what the first cannot take, or when that is slow.
      this.active++;
      this.begunAt = performance.now();
      // A flush belongs to all whose rows it holds, not to the caller that happened to start it.
      void outsideOfTraces(() => this.flush());
    }
    if (this.queue.isEmpty && this.active === 0) {
      for (const resolve of this.idleWaiters) resolve();
      this.idleWaiters = [];
    }
  }

  /** Pumps after so many ms, unless that is to happen before; none: when a batch under way has ended. */
  private wake(inMs: number): void {
    const atMs = performance.now() + inMs;
    if (atMs >= this.wakesAt) return;
    clearTimeout(this.timer);
    this.wakesAt = atMs;
    this.timer = setTimeout(() => {
      this.wakesAt = Number.POSITIVE_INFINITY;
      this.pump();
    }, inMs);
  }

  /** How long the next batch waits, ms; infinite: for the one under way. */
  private spacingLeft(): number {
    const { spacingMs, maxBatchRows, maxBatchBytes } = this.limits;
    const { rows, bytes } = this.queue;
    if (this.stopping || rows >= maxBatchRows || bytes >= maxBatchBytes) return 0;
    const beside = this.active > 0 && rows < maxBatchRows / 2;
    if (beside && !this.deps.target.sequenced) return Number.POSITIVE_INFINITY;
    const untilMs = this.begunAt + (beside ? Math.max(spacingMs, slowMs) : spacingMs);
    return Math.max(0, Math.ceil(untilMs - performance.now()));
  }

  private async flush(): Promise<void> {
    let client: PoolClient | undefined;
    try {
      // What arrives in this turn of the event loop goes along.
      await nextTurn();
      client = await this.deps.pool.connect();
      const batch = await this.closeBatch(client);
      if (batch === null) return;
      this.reachable();
      const open = client;
      const origins = batch.entries.map(({ trace }) => trace);
      const attributes = { 'tidewatch.rows': batch.rows.length, 'tidewatch.appends': batch.entries.length };
      client = await inBatchSpan(`store ${this.deps.target.name}`, origins, attributes, () =>
        this.write(open, batch),
      );
    } catch (error) {
      // Only what failed before a batch was closed arrives here; its rows are still queued.
      this.unreachable(error);
      client?.release(error instanceof Error ? error : true);
      client = undefined;
      await pause(reconnectMs * (1 + Math.random()));
    } finally {
      client?.release();
      this.active--;
      this.pump();
    }
  }

  private async closeBatch(client: PoolClient): Promise<Batch<Row> | null> {
    const { queue, limits } = this;
    const { seq, target } = this.deps;
    const wanted = (): number => queue.nextBatch(limits.maxBatchRows, limits.maxBatchBytes).rows;
    // Between the last check and take() nothing may wait: numbers follow the order of appends.
    while (target.sequenced && !seq.has(wanted())) await seq.ensure(wanted(), client);
    const entries = queue.takeBatch(limits.maxBatchRows, limits.maxBatchBytes);
    if (entries.length === 0) return null;
    const rows = entries.length === 1 ? (entries[0] as Entry<Row>).rows : entries.flatMap((e) => e.rows);
    const ticket = target.sequenced ? seq.take(rows.length) : null;
    const batch = {
      id: randomUUID(),
      rows,
      bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
      entries,
      ticket,
      firstSeq: ticket?.firstSeq ?? 0,
      alongside: entries.flatMap((e) => (e.alongside === null ? [] : [e.alongside])),
      closedAt: performance.now(),
    };
    this.inFlight.add(batch);
    return batch;
  }

  /** @returns the connection to give back, or `undefined` when it was discarded */
  private async write(first: PoolClient, batch: Batch<Row>): Promise<PoolClient | undefined> {
    const delivery = new Delivery();
    let client: PoolClient | undefined = first;
    for (;;) {
      try {
        client ??= await this.deps.pool.connect();
        const outcome = await this.sender.attempt(client, batch.id, batch, delivery);
        this.reachable();
        if (outcome === null) this.abandon(batch);
        else await this.settle(batch, outcome);
        return client;
      } catch (error) {
        if (isConnectionLoss(error)) {
          if (client !== undefined) delivery.lostAnswer();
          client?.release(true);
          client = undefined;
          this.unreachable(error);
        }
        const failure = classifyFailure(error);
        if (failure === 'retry') this.deps.meter.retry();
        const overdue = performance.now() - batch.closedAt > this.limits.ackTimeoutMs;
        const { tell, next } = delivery.failed(failure, { overdue, stopping: this.stopping });
        if (tell !== null) this.tell(batch, tell, error);
        if (next === 'give up') {
          this.abandon(batch);
          return client;
        }
        if (next === 'repeat later') await pause(delivery.pauseMs);
      }
    }
  }

  private async settle(batch: Batch<Row>, outcome: BatchOutcome): Promise<void> {
    const storedAtMs = Date.now();
    const dropped = new Set(outcome.duplicates);
    for (const { position } of outcome.refused) dropped.add(position);
    // Another batch may be what lets this one be announced; the news still belongs to this one's trace.
    const announce = inThisTrace((): void => {
      this.deps.onCommitted?.(committedRows(batch, dropped, storedAtMs));
    });
    if (batch.ticket) await batch.ticket.committed(announce);
    else announce();
    this.deps.meter.flushed(batch.rows.length - dropped.size, (performance.now() - batch.closedAt) / 1000);
    this.deps.meter.duplicates(outcome.duplicates.length);
    for (const row of outcome.refused) this.deps.meter.deadLetter(row.sqlstate);
    this.inFlight.delete(batch);
    answerEntries(batch, outcome);
  }

  private tell(batch: Batch<Row>, what: NonNullable<Verdict['tell']>, error: unknown): void {
    if (what === 'defect') this.deps.onDefect(error);
    if (what === 'unavailable') this.deps.meter.refused('database_unavailable', batch.rows.length);
    for (const entry of batch.entries) entry.reject(problemOf(what, error));
  }

  /** Will not be announced: it is not stored, or nobody could find out. */
  private abandon(batch: Batch<Row>): void {
    batch.ticket?.abandoned();
    this.inFlight.delete(batch);
  }

  private get pendingBytes(): number {
    let { bytes } = this.queue;
    for (const batch of this.inFlight) bytes += batch.bytes;
    return bytes;
  }

  /** Of the rows accepted and not yet durable; 0 while there are none. */
  private oldestAgeMs(): number {
    const now = performance.now();
    let oldest = this.queue.oldest?.enqueuedAt ?? now;
    // The entries of a batch stand in the order of their arrival.
    for (const { entries } of this.inFlight) oldest = Math.min(oldest, entries[0]?.enqueuedAt ?? now);
    return now - oldest;
  }

  private reachable(): void {
    this.downSince = undefined;
  }

  /** While the database is away, queued rows are not kept waiting beyond the ack timeout either. */
  private unreachable(error: unknown): void {
    if (this.downSince === undefined) this.deps.meter.lost(messageOf(error));
    this.downSince ??= performance.now();
    const deadline = performance.now() - this.limits.ackTimeoutMs;
    for (let oldest = this.queue.oldest; oldest !== undefined; oldest = this.queue.oldest) {
      if (oldest.enqueuedAt > deadline) break;
      this.queue.shift();
      this.deps.meter.refused('database_unavailable', oldest.rows.length);
      oldest.reject(databaseAway());
    }
  }
}

function problemOf(what: NonNullable<Verdict['tell']>, error: unknown): unknown {
  if (what === 'unavailable') return databaseAway();
  return what === 'conflict' ? new Problem(409, 'REQUEST_TAKEN_OVER', messageOf(error)) : error;
}

const databaseAway = (): Problem => unavailable('DATABASE_UNAVAILABLE', 'The database does not answer.', 2);

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
