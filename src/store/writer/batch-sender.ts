import type { PoolClient } from 'pg';
import { CopyBuffer } from '../copy/copy-buffer.js';
import { CopyQuery, type StatementResult } from '../copy/copy-query.js';
import { literal } from '../sql-literal.js';
import type { Delivery } from './delivery.js';
import type { RowBatch, RowTarget } from './row-target.js';
import { classifyFailure, errorCode, messageOf } from './sqlstate.js';

/** Rows encoded between two turns of the event loop: well below 1 ms. */
const rowsPerSlice = 1_000;

/** A row that the database refused, by its position in the batch. */
export interface RefusedRow {
  readonly position: number;
  readonly sqlstate: string;
  readonly message: string;
}

export interface BatchOutcome {
  readonly duplicates: readonly number[];
  readonly refused: readonly RefusedRow[];
}

/** The marker of a batch was already there: an earlier attempt had committed although its answer was lost. */
class AlreadyCommitted extends Error {}

/**
 * Sends one batch as one transaction. The transaction begins with a marker (`write_batches`): should the connection die
 * at COMMIT, the repeated attempt either finds the marker, and nothing is stored twice, or takes it, and the first
 * attempt can no longer commit.
 */
export class BatchSender<Row> {
  constructor(
    private readonly target: RowTarget<Row>,
    private readonly onBytes: (bytes: number) => void,
  ) {}

  /**
   * One attempt, in the approach that the attempts before it have led to.
   * @returns `null`: it was to be verified, is not committed and can no longer be
   * @throws what the database or the connection says; the transaction is rolled back unless the connection is lost
   */
  async attempt(
    client: PoolClient,
    id: string,
    batch: RowBatch<Row>,
    { approach, partitionMissing }: Pick<Delivery, 'approach' | 'partitionMissing'>,
  ): Promise<BatchOutcome | null> {
    if (approach === 'verify') {
      return (await this.wasCommitted(client, id))
        ? this.outcomeOfCommitted(client, id, batch)
        : this.outcomeWithoutMarker(client, batch);
    }
    await this.target.prepare?.(batch, partitionMissing);
    try {
      return await (approach === 'bisect'
        ? this.sendBisecting(client, id, batch)
        : this.sendWhole(client, id, batch));
    } catch (error) {
      if (error instanceof AlreadyCommitted) return this.outcomeOfCommitted(client, id, batch);
      throw error;
    }
  }

  /** One round trip. */
  private async sendWhole(client: PoolClient, id: string, batch: RowBatch<Row>): Promise<BatchOutcome> {
    const { before = [], copy, after } = this.target.statements(batch);
    const following = after?.(nothingRefused) ?? [];
    const sql = ['BEGIN', marker(id), ...before, copy, ...following, ...batch.alongside, 'COMMIT'];
    try {
      const results = await this.copy(client, sql.join(';'), batch, 0, batch.rows.length);
      const answers = results.slice(2 + before.length + 1, 2 + before.length + 1 + following.length);
      return { duplicates: this.target.duplicates?.(batch, answers) ?? [], refused: [] };
    } catch (error) {
      await rollback(client, error);
      throw translated(error);
    }
  }

  /**
   * The same for a batch that holds rows the database refuses: halves it until each of them is found, stores all others
   * and writes the refused ones to `dead_letters`, all in one transaction. The marker names them: an attempt that finds
   * it committed learns from it what was left out.
   */
  private async sendBisecting(client: PoolClient, id: string, batch: RowBatch<Row>): Promise<BatchOutcome> {
    const { before = [], copy, after } = this.target.statements(batch);
    const refused: RefusedRow[] = [];
    const store = async (from: number, to: number): Promise<void> => {
      try {
        await this.copy(client, `SAVEPOINT part;${copy};RELEASE SAVEPOINT part`, batch, from, to);
      } catch (error) {
        if (classifyFailure(error) !== 'data') throw error;
        await client.query('ROLLBACK TO SAVEPOINT part');
        if (to - from === 1) {
          refused.push({
            position: from,
            sqlstate: errorCode(error) ?? 'unknown',
            message: messageOf(error),
          });
          return;
        }
        const middle = (from + to) >> 1;
        await store(from, middle);
        await store(middle, to);
      }
    };
    try {
      await client.query(['BEGIN', marker(id), ...before].join(';'));
      await store(0, batch.rows.length);
      const answers: StatementResult[] = [];
      const missing = new Set(refused.map(({ position }) => position));
      for (const statement of after?.(missing) ?? []) answers.push(...(await simpleQuery(client, statement)));
      for (const statement of batch.alongside) await simpleQuery(client, statement);
      for (const row of refused) await client.query(this.deadLetter(batch, row));
      if (refused.length > 0) await client.query(remember(id, refused));
      await client.query('COMMIT');
      return { duplicates: this.target.duplicates?.(batch, answers) ?? [], refused };
    } catch (error) {
      await rollback(client, error);
      throw translated(error);
    }
  }

  /** Whether the batch was committed by an attempt whose answer was lost. Afterwards it can no longer be. */
  private async wasCommitted(client: PoolClient, id: string): Promise<boolean> {
    try {
      await client.query(marker(id));
      return false;
    } catch (error) {
      if (translated(error) instanceof AlreadyCommitted) return true;
      throw error;
    }
  }

  /** What an attempt had found out before its answer was lost. */
  private async outcomeOfCommitted(
    client: PoolClient,
    id: string,
    batch: RowBatch<Row>,
  ): Promise<BatchOutcome> {
    const { rows } = await client.query<{ refused: RefusedRow[] | null }>(
      `SELECT refused FROM write_batches WHERE id = ${literal(id)}`,
    );
    const refused = rows[0]?.refused ?? [];
    const absent = await this.target.absentRows?.(batch, (sql) => simpleQuery(client, sql));
    const known = new Set(refused.map(({ position }) => position));
    return { duplicates: (absent ?? []).filter((position) => !known.has(position)), refused };
  }

  /** After an outage longer than markers are kept, another process may have removed the marker: the rows decide. */
  private async outcomeWithoutMarker(client: PoolClient, batch: RowBatch<Row>): Promise<BatchOutcome | null> {
    const absent = await this.target.absentRows?.(batch, (sql) => simpleQuery(client, sql));
    if (absent === undefined || absent.length === batch.rows.length) return null;
    return { duplicates: absent, refused: [] };
  }

  private async copy(
    client: PoolClient,
    sql: string,
    batch: RowBatch<Row>,
    from: number,
    to: number,
  ): Promise<StatementResult[]> {
    const { target } = this;
    const query = new CopyQuery(sql);
    const estimate = (target.bytes(batch.rows[from] as Row) + 32) * Math.min(to - from, rowsPerSlice);
    const buffer = new CopyBuffer(Math.min(estimate * 1.5, 1 << 20));
    buffer.header();
    for (let slice = from; slice < to; slice += rowsPerSlice) {
      const end = Math.min(slice + rowsPerSlice, to);
      for (let i = slice; i < end; i++) {
        target.encode(batch.rows[i] as Row, batch.firstSeq === 0 ? 0 : batch.firstSeq + i, buffer);
      }
      if (end === to) buffer.trailer();
      this.onBytes(buffer.length);
      query.write(buffer.takeFrame());
      if (slice === from) client.query(query);
      // The server works on what it has while the loop serves others.
      if (end < to) await nextTurn();
    }
    query.end();
    return query.done;
  }

  private deadLetter(batch: RowBatch<Row>, row: RefusedRow): string {
    // JSON text, not jsonb: what was refused may hold U+0000, which jsonb refuses too; JSON.stringify escapes it.
    const text = JSON.stringify(batch.rows[row.position]);
    return `INSERT INTO dead_letters (writer, sqlstate, message, row) VALUES (${[this.target.name, row.sqlstate, row.message, text].map(literal).join(', ')})`;
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const nothingRefused: ReadonlySet<number> = new Set();

const marker = (id: string): string => `INSERT INTO write_batches (id) VALUES (${literal(id)})`;

const remember = (id: string, refused: readonly RefusedRow[]): string =>
  `UPDATE write_batches SET refused = ${literal(JSON.stringify(refused))} WHERE id = ${literal(id)}`;

async function simpleQuery(client: PoolClient, sql: string): Promise<StatementResult[]> {
  const query = new CopyQuery(sql);
  client.query(query);
  return query.done;
}

async function rollback(client: PoolClient, cause: unknown): Promise<void> {
  if (classifyFailure(cause) === 'retry' && errorCode(cause) === null) return;
  // On a dead connection this fails too; the cause is what matters and the pool discards the connection.
  await client.query('ROLLBACK').catch(() => undefined);
}

function translated(error: unknown): unknown {
  const { constraint } = error as { constraint?: string };
  return constraint === 'write_batches_pkey' ? new AlreadyCommitted() : error;
}
