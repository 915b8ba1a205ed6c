import type { LevelState } from '../../observability/alerting/state-machine.js';
import type { StoredLimit } from '../../store/limit.repository.js';
import { restoredLevel } from './limit-level.js';

/** A limit in memory with the state of its evaluation. */
export interface WatchedLimit {
  limit: StoredLimit;
  state: LevelState;
  value: number | null;
  /** Why there is no value. */
  reason: string | null;
  /** Something of the above is not written yet. */
  dirty: boolean;
}

/** Every limit that is not deleted, by portfolio. The database is the truth; this is what evaluation works on. */
export class LimitBook {
  private readonly byPortfolio = new Map<string, Map<string, WatchedLimit>>();
  private readonly byId = new Map<string, WatchedLimit>();

  get size(): number {
    return this.byId.size;
  }

  load(limits: readonly StoredLimit[]): void {
    for (const limit of limits) this.put(limit);
  }

  /** Adds a limit, or takes over its new settings and keeps its state. */
  put(limit: StoredLimit): WatchedLimit {
    const known = this.byId.get(limit.id);
    if (known) {
      // Of two changes at once the later one may be heard of first.
      if (limit.version >= known.limit.version) known.limit = limit;
      return known;
    }
    const watched: WatchedLimit = {
      limit,
      state: restoredLevel(limit),
      value: limit.currentValue,
      reason: limit.currentValue === null ? 'not evaluated yet' : null,
      dirty: false,
    };
    this.byId.set(limit.id, watched);
    const list = this.byPortfolio.get(limit.portfolioId) ?? new Map<string, WatchedLimit>();
    list.set(limit.id, watched);
    this.byPortfolio.set(limit.portfolioId, list);
    return watched;
  }

  remove(id: string): void {
    const watched = this.byId.get(id);
    if (!watched) return;
    this.byId.delete(id);
    const list = this.byPortfolio.get(watched.limit.portfolioId);
    list?.delete(id);
    if (list?.size === 0) this.byPortfolio.delete(watched.limit.portfolioId);
  }

  get(id: string): WatchedLimit | undefined {
    return this.byId.get(id);
  }

  of(portfolioId: string): WatchedLimit[] {
    return [...(this.byPortfolio.get(portfolioId)?.values() ?? [])];
  }

  /** The active limits of a portfolio. */
  active(portfolioId: string): WatchedLimit[] {
    return this.of(portfolioId).filter((w) => w.limit.active);
  }

  all(): Iterable<WatchedLimit> {
    return this.byId.values();
  }
}
