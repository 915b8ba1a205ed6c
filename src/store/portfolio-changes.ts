import { setTimeout as pause } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { EventBus } from '../domain/event-bus.js';
import type { PortfolioChanged } from '../domain/events.js';
import type { Portfolio } from '../domain/portfolio.js';
import type { Database } from './database.js';
import { asProblem } from './database-problem.js';
import type { SeqSource } from './seq-source.js';
import type { CommitTicket } from './writer/commit-order.js';
import { isConnectionLoss } from './writer/sqlstate.js';

/** What one change did. */
export interface ChangeMade<T> {
  /** The state to record and announce; `null` when nothing has changed. */
  readonly portfolio: Portfolio | null;
  readonly result: T;
}

/** How far a change has come. */
interface Change<T> {
  ticket: CommitTicket | null;
  /** Set when only the commit is left. */
  made: ChangeMade<T> | null;
}

/** A change that has come to its end. */
type Committed<T> = { [K in keyof Change<T>]: NonNullable<Change<T>[K]> };

/** How long to look for the outcome of a commit whose answer was lost. */
const outcomeAttempts = 8;

/** Changes portfolios one at a time each, with a place in the total order of ticks and changes. */
export class PortfolioChanges {
  constructor(
    private readonly database: Database,
    private readonly seq: SeqSource,
    private readonly bus: EventBus,
  ) {}

  /**
   * One change: lock the portfolio, take a number, do the work, record the state, commit, announce.
   * @throws Problem of the work, or 503 when the database was lost: then nothing has changed
   */
  async make<T>(
    id: string,
    kind: PortfolioChanged['kind'],
    work: (client: PoolClient, seq: number) => Promise<ChangeMade<T>>,
  ): Promise<T> {
    const change: Change<T> = { ticket: null, made: null };
    try {
      await this.database.writer.use((client) => this.commit(client, id, kind, work, change));
    } catch (error) {
      const { ticket, made } = change;
      const committed = ticket && made && (await this.wasCommitted(id, ticket.firstSeq).catch(() => false));
      if (!committed) {
        ticket?.abandoned();
        throw asProblem(error);
      }
    }
    const { ticket, made } = change as Committed<T>;
    const { portfolio, result } = made;
    if (portfolio === null) ticket.abandoned();
    else await ticket.committed(() => this.bus.emit('portfolio.changed', { kind, portfolio }));
    return result;
  }

  private async commit<T>(
    client: PoolClient,
    id: string,
    kind: PortfolioChanged['kind'],
    work: (client: PoolClient, seq: number) => Promise<ChangeMade<T>>,
    change: Change<T>,
  ): Promise<void> {
    await this.seq.ensure(1, client);
    await client.query('BEGIN');
    try {
      // Also for an id without a row: two first PUTs of it must not both take a number before either commits.
      await lock(client, id);
      // Between take() and COMMIT the announcement of later ticks waits for us.
      change.ticket = this.seq.take(1);
      const { firstSeq } = change.ticket;
      const made = await work(client, firstSeq);
      if (made.portfolio !== null) {
        await client.query(
          `INSERT INTO position_changes (seq, portfolio_id, kind, portfolio, at)
           VALUES ($1, $2, $3, $4, now())`,
          [firstSeq, id, kind, JSON.stringify(made.portfolio)],
        );
      }
      change.made = made;
      await client.query('COMMIT');
    } catch (error) {
      if (!isConnectionLoss(error)) await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /** The connection was lost at COMMIT: the lock of the portfolio is free when that transaction has ended. */
  private async wasCommitted(id: string, seq: number): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.writer.transaction(async (client) => {
          await lock(client, id);
          const { rowCount } = await client.query('SELECT FROM position_changes WHERE seq = $1', [seq]);
          return rowCount === 1;
        });
      } catch (error) {
        if (attempt === outcomeAttempts) throw error;
        await pause(50 * 2 ** attempt);
      }
    }
  }
}

async function lock(client: PoolClient, id: string): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`portfolio:${id}`]);
}
