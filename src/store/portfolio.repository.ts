import { Injectable } from '@nestjs/common';
import { EventBus } from '../domain/event-bus.js';
import type { PortfolioChanged } from '../domain/events.js';
import { maxPositions, maxQuantity, type Portfolio, type Position, type Trade } from '../domain/portfolio.js';
import { Problem } from '../domain/problem.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { Database } from './database.js';
import { PortfolioChanges } from './portfolio-changes.js';
import { type PortfolioRow, readOne, selectPortfolio, toPortfolio } from './portfolio-rows.js';
import { SeqSource } from './seq-source.js';

export interface NewPortfolio {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly positions: readonly Position[];
}

/** A change of positions with its place in the total order. */
export interface PositionChange {
  readonly seq: number;
  readonly kind: PortfolioChanged['kind'];
  /** The state after it; of a deletion, the last state. */
  readonly portfolio: Portfolio;
}

export interface TradesApplied {
  readonly portfolio: Portfolio;
  /** Ids in the order given. */
  readonly applied: readonly string[];
  /** Known before, with the same content: not applied again. */
  readonly duplicates: readonly string[];
  /** Known before with another content: not applied. */
  readonly conflicting: readonly string[];
}

export interface StoredTrade extends Trade {
  readonly seq: number;
}

const maxPage = 1_000;
/** Changes read at a time by a replay. */
const replayRows = 1_000;

/**
 * Portfolios and their positions. Each change takes a number of the one order, commits, and is announced
 * (`portfolio.changed`) in that order, between the ticks before and after it.
 */
@Injectable()
export class PortfolioRepository {
  private readonly changes: PortfolioChanges;

  constructor(
    private readonly database: Database,
    seq: SeqSource,
    bus: EventBus,
  ) {
    this.changes = new PortfolioChanges(database, seq, bus);
  }

  /** Creates a portfolio or replaces its name, currency and positions. */
  put(wanted: NewPortfolio): Promise<{ portfolio: Portfolio; created: boolean }> {
    return this.changes.make(wanted.id, 'put', async (client, seq) => {
      const { rows } = await client.query<{ created: boolean }>(
        `INSERT INTO portfolios (id, name, currency, revision, updated_at) VALUES ($1, $2, $3, $4, now())
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, currency = excluded.currency,
           revision = excluded.revision, updated_at = excluded.updated_at
         RETURNING xmax = 0 AS created`,
        [wanted.id, wanted.name, wanted.currency, seq],
      );
      await client.query('DELETE FROM positions WHERE portfolio_id = $1', [wanted.id]);
      await client.query(
        `INSERT INTO positions (portfolio_id, symbol, quantity)
         SELECT $1, s, sum(q) FROM unnest($2::text[], $3::numeric[]) AS u(s, q) GROUP BY s HAVING sum(q) <> 0`,
        [wanted.id, wanted.positions.map((p) => p.symbol), wanted.positions.map((p) => String(p.quantity))],
      );
      const portfolio = await readOne(client, wanted.id);
      return { portfolio, result: { portfolio, created: rows[0]?.created ?? false } };
    });
  }

  async get(id: string): Promise<Portfolio | null> {
    const { rows } = await this.database.reader.query<PortfolioRow>({
      name: 'portfolio_get',
      text: `${selectPortfolio} WHERE p.id = $1`,
      values: [id],
    });
    return rows[0] ? toPortfolio(rows[0]) : null;
  }

  /** Those of the ids that portfolios have. */
  async existing(ids: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.database.reader.query<{ id: string }>({
      name: 'portfolios_existing',
      text: 'SELECT id FROM portfolios WHERE id = ANY ($1)',
      values: [ids],
    });
    return new Set(rows.map((r) => r.id));
  }

  /** By id. @throws Problem 400 `INVALID_CURSOR` */
  async list({
    cursor,
    limit = 100,
  }: {
    readonly cursor?: string;
    readonly limit?: number;
  } = {}): Promise<{ portfolios: Portfolio[]; nextCursor: string | null }> {
    const take = Math.min(Math.max(1, limit), maxPage);
    const [after] = cursor === undefined ? [''] : decodeCursor(['portfolios'], cursor, ['text']);
    const { rows } = await this.database.reader.query<PortfolioRow>({
      name: 'portfolio_list',
      text: `${selectPortfolio} WHERE p.id > $1 ORDER BY p.id LIMIT $2`,
      values: [after, take + 1],
    });
    const page = rows.slice(0, take).map(toPortfolio);
    const last = page.at(-1);
    return {
      portfolios: page,
      nextCursor: rows.length > take && last ? encodeCursor(['portfolios'], [last.id]) : null,
    };
  }

  /** Every portfolio; for the start of an engine. */
  async all(): Promise<Portfolio[]> {
    const { rows } = await this.database.reader.query<PortfolioRow>(`${selectPortfolio} ORDER BY p.id`);
    return rows.map(toPortfolio);
  }

  /**
   * Deletes a portfolio and its positions; its limits are marked deleted, each with an audit entry. Metrics, the history of
   * changes and trades stay: an id of a trade is applied once, also when the portfolio is made again.
   */
  async delete(id: string, actor = 'system'): Promise<boolean> {
    try {
      return await this.changes.make(id, 'deleted', async (client) => {
        const portfolio = await readOne(client, id);
        await client.query(deleteLimits, [id, actor]);
        await client.query('DELETE FROM portfolios WHERE id = $1', [id]);
        return { portfolio, result: true };
      });
    } catch (error) {
      if ((error as { code?: string }).code === 'NOT_FOUND') return false;
      throw error;
    }
  }

  /**
   * Moves positions by trades, each id once per portfolio.
   * @throws Problem 404, and 422 when a position would leave what a quantity can be: then none of them is applied
   */
  applyTrades(id: string, trades: readonly Trade[]): Promise<TradesApplied> {
    return this.changes.make(id, 'traded', async (client, seq) => {
      await readOne(client, id);
      const columns = [
        trades.map((t) => t.id),
        trades.map((t) => t.symbol),
        trades.map((t) => t.side),
        trades.map((t) => String(t.quantity)),
        trades.map((t) => String(t.price)),
        trades.map((t) => t.tsMs),
      ];
      const given = `unnest($2::text[], $3::text[], $4::text[], $5::numeric[], $6::numeric[], $7::float8[])
        WITH ORDINALITY AS t(id, symbol, side, quantity, price, ts_ms, place)`;
      const applied = await client.query<{ id: string }>(
        `WITH stored AS (
           INSERT INTO trades (portfolio_id, id, seq, symbol, side, quantity, price, "timestamp")
           SELECT $1, id, $8, symbol, side, quantity, price, to_timestamp(ts_ms / 1000) FROM ${given} ORDER BY place
           ON CONFLICT (portfolio_id, id) DO NOTHING RETURNING id, symbol, side, quantity),
         moved AS (
           INSERT INTO positions AS p (portfolio_id, symbol, quantity)
           SELECT $1, symbol, sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END) FROM stored GROUP BY symbol
           ON CONFLICT (symbol, portfolio_id) DO UPDATE SET quantity = p.quantity + excluded.quantity)
         SELECT id FROM stored`,
        [id, ...columns, seq],
      );
      const known = await client.query<{ id: string; same: boolean }>(
        `SELECT t.id, bool_and((s.symbol, s.side, s.quantity, s.price) = (t.symbol, t.side, t.quantity, t.price)) AS same
         FROM ${given} JOIN trades s ON s.portfolio_id = $1 AND s.id = t.id GROUP BY t.id`,
        [id, ...columns],
      );
      await client.query('DELETE FROM positions WHERE portfolio_id = $1 AND quantity = 0', [id]);
      const done = new Set(applied.rows.map((r) => r.id));
      if (done.size > 0) {
        await client.query('UPDATE portfolios SET revision = $2, updated_at = now() WHERE id = $1', [
          id,
          seq,
        ]);
      }
      const portfolio = await readOne(client, id);
      requireWithinLimits(portfolio, trades);
      const ids = [...new Set(trades.map((t) => t.id))];
      const differs = new Set(known.rows.filter((r) => !r.same).map((r) => r.id));
      const result: TradesApplied = {
        portfolio,
        applied: ids.filter((t) => done.has(t)),
        duplicates: ids.filter((t) => !done.has(t) && !differs.has(t)),
        conflicting: ids.filter((t) => differs.has(t)),
      };
      return { portfolio: done.size > 0 ? portfolio : null, result };
    });
  }

  /** Trades of one portfolio, newest first. @throws Problem 400 `INVALID_CURSOR` */
  async trades(
    id: string,
    { cursor, limit = 100 }: { readonly cursor?: string; readonly limit?: number } = {},
  ): Promise<{ trades: StoredTrade[]; nextCursor: string | null }> {
    const take = Math.min(Math.max(1, limit), maxPage);
    const list = ['trades', id];
    const [beforeMs, beforeId] =
      cursor === undefined ? [null, ''] : decodeCursor(list, cursor, ['ms', 'text']);
    const { rows } = await this.database.reader.query<{
      id: string;
      seq: number;
      symbol: string;
      side: 'buy' | 'sell';
      quantity: number;
      price: number;
      ts_ms: number;
    }>({
      name: 'trades_page',
      text: `SELECT id, seq::float8 AS seq, symbol, side, quantity::float8 AS quantity, price::float8 AS price,
          (extract(epoch FROM "timestamp") * 1000)::float8 AS ts_ms
        FROM trades WHERE portfolio_id = $1
          AND ($2::float8 IS NULL OR ("timestamp", id) < (to_timestamp($2::float8 / 1000), $3))
        ORDER BY "timestamp" DESC, id DESC LIMIT $4`,
      values: [id, beforeMs, beforeId, take + 1],
    });
    const page = rows.slice(0, take);
    const last = page.at(-1);
    return {
      trades: page.map(({ ts_ms, ...trade }) => ({ ...trade, tsMs: ts_ms })),
      nextCursor: rows.length > take && last ? encodeCursor(list, [last.ts_ms, last.id]) : null,
    };
  }

  /** Changes in the total order, in batches; with {@link TickRepository.replay} they rebuild an engine. */
  async *positionChanges({
    fromSeq,
    toSeq = Number.MAX_SAFE_INTEGER,
  }: {
    readonly fromSeq: number;
    readonly toSeq?: number;
  }): AsyncGenerator<readonly PositionChange[]> {
    for (let from = fromSeq; ; ) {
      const { rows } = await this.database.reader.query<{
        seq: number;
        kind: PositionChange['kind'];
        portfolio: Portfolio;
      }>({
        name: 'position_changes',
        text: `SELECT seq::float8 AS seq, kind, portfolio FROM position_changes
          WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3`,
        values: [from, toSeq, replayRows],
      });
      if (rows.length > 0) yield rows;
      if (rows.length < replayRows) return;
      from = (rows.at(-1)?.seq ?? from) + 1;
    }
  }

  /** Every symbol that portfolios held after a change within a span of the order. @param except portfolios left out */
  async changedSymbols(query: {
    readonly fromSeq: number;
    readonly toSeq: number;
    readonly except: readonly string[];
  }): Promise<readonly string[]> {
    const { rows } = await this.database.reader.query<{ symbol: string }>(
      `SELECT DISTINCT h ->> 'symbol' AS symbol
       FROM position_changes c CROSS JOIN LATERAL jsonb_array_elements(c.portfolio::jsonb -> 'positions') h
       WHERE c.seq >= $1 AND c.seq < $2 AND c.portfolio_id <> ALL ($3::text[])`,
      [query.fromSeq, query.toSeq, query.except],
    );
    return rows.map((r) => r.symbol);
  }

  /** The state of every portfolio at a point of the order: its last change before `seq`, deletions left out. */
  async asOf(seq: number): Promise<Portfolio[]> {
    const { rows } = await this.database.reader.query<{ kind: string; portfolio: Portfolio }>(
      `SELECT DISTINCT ON (portfolio_id) kind, portfolio FROM position_changes
       WHERE seq < $1 ORDER BY portfolio_id, seq DESC`,
      [seq],
    );
    return rows.filter((r) => r.kind !== 'deleted').map((r) => r.portfolio);
  }
}

/** Its limits as the audit shows them: what they were before. */
const deleteLimits = `WITH gone AS (
    UPDATE risk_limits l SET deleted_at = now(), active = false, version = l.version + 1, updated_at = now()
    FROM risk_limits o WHERE o.id = l.id AND l.portfolio_id = $1 AND l.deleted_at IS NULL RETURNING o.*)
  INSERT INTO audit (actor, action, entity, entity_id, portfolio_id, before, after, comment)
  SELECT $2, 'deleted', 'risk_limit', id::text, portfolio_id, jsonb_build_object(
    'limit_type', limit_type, 'threshold_value', threshold_value, 'warning_threshold', warning_threshold,
    'clear_threshold', clear_threshold, 'dwell_ms', dwell_ms, 'active', active), NULL, 'the portfolio was deleted'
  FROM gone`;

/** @throws Problem 422 that names the trade which moved a position too far, or made one too many */
function requireWithinLimits({ positions }: Portfolio, trades: readonly Trade[]): void {
  const refuse = (symbol: string | undefined, field: string, code: string, message: string) => {
    const index = trades.findLastIndex((trade) => trade.symbol === symbol);
    const pointer = `/${Math.max(0, index)}/${field}`;
    return new Problem(422, code, `${pointer} ${message}`, { errors: [{ pointer, code, message }] });
  };
  const far = positions.find(({ quantity }) => Math.abs(quantity) > maxQuantity);
  if (far !== undefined) {
    const message = `would move the position in ${far.symbol} beyond ±${maxQuantity}`;
    throw refuse(far.symbol, 'quantity', 'POSITION_TOO_LARGE', message);
  }
  if (positions.length <= maxPositions) return;
  const traded = trades.at(-1)?.symbol;
  throw refuse(traded, 'symbol', 'TOO_MANY_POSITIONS', `would make more than ${maxPositions} positions`);
}
