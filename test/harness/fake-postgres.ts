import type { PoolClient, Submittable } from 'pg';
import type { MeteredPool } from '../../src/store/metered-pool.js';

/** What happens to the next transaction that arrives. */
export type Fate = 'commit' | 'lost before commit' | 'lost after commit' | { readonly sqlstate: string };

interface Wire {
  handleCommandComplete(message: { text: string }): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
}

const failure = (code: string, constraint?: string): Error =>
  Object.assign(new Error(`fake ${code}`), { code, constraint });

/**
 * A PostgreSQL for unit tests of the writer: it keeps the markers of committed batches as the real one does, and every
 * transaction meets the fate that the test has chosen for it.
 */
export class FakeServer {
  /** Payload of each committed transaction, in commit order. */
  readonly committed: string[] = [];
  readonly fates: Fate[] = [];
  /** Set: nobody gets in. */
  away = false;
  /** Held: transactions wait at COMMIT until released. */
  gate: Promise<void> = Promise.resolve();
  connections = 0;
  private readonly markers = new Set<string>();

  readonly pool: Pick<MeteredPool, 'connect'> = { connect: () => this.connect() };

  private async connect(): Promise<PoolClient> {
    await this.gate;
    if (this.away) throw failure('ECONNREFUSED');
    this.connections++;
    return { query: (query: unknown) => this.query(query), release: () => undefined } as never;
  }

  private query(query: unknown): unknown {
    if (typeof query === 'string') return this.plain(query);
    const frames: string[] = [];
    let sql = '';
    const wire = query as Wire & Submittable;
    const respond = (): void => {
      void this.gate.then(() => this.transact(sql, frames.join(''), wire));
    };
    const stream = {
      cork: () => undefined,
      uncork: () => undefined,
      write: (frame: Buffer) => {
        if (frame[0] === 0x63) respond();
        else frames.push(frame.subarray(5).toString('latin1'));
      },
    };
    const remember = (text: string): void => {
      sql = text;
    };
    wire.submit({ stream, query: remember } as never);
    return undefined;
  }

  private async plain(sql: string): Promise<{ rows: never[] }> {
    await this.gate;
    if (this.away) throw failure('57P01');
    const marker = markerOf(sql);
    if (marker !== null) this.mark(marker);
    return { rows: [] };
  }

  private transact(sql: string, payload: string, wire: Wire): void {
    const fate = this.away ? { sqlstate: '57P01' } : (this.fates.shift() ?? 'commit');
    try {
      if (fate === 'lost before commit') throw failure('ECONNRESET');
      if (typeof fate === 'object') throw failure(fate.sqlstate);
      const marker = markerOf(sql);
      if (marker !== null) this.mark(marker);
      this.committed.push(payload);
      if (fate === 'lost after commit') throw failure('ECONNRESET');
    } catch (error) {
      wire.handleError(error as Error);
      return;
    }
    for (const statement of sql.split(';')) wire.handleCommandComplete({ text: statement });
    wire.handleReadyForQuery();
  }

  private mark(id: string): void {
    if (this.markers.has(id)) throw failure('23505', 'write_batches_pkey');
    this.markers.add(id);
  }
}

const markerOf = (sql: string): string | null =>
  /INSERT INTO write_batches \(id\) VALUES \('([^']+)'\)/.exec(sql)?.[1] ?? null;
