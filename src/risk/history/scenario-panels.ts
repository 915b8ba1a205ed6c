import { createHash } from 'node:crypto';
import { simpleReturns } from '../../kernel/simple-returns.js';
import type { AlignedCloses } from './align-closes.js';

/** Returns of one symbol over one calendar, shared by every portfolio that holds it on the same days. */
interface Column {
  readonly returns: Float64Array;
  users: number;
}

/** A portfolio's hold on its columns; give it back with `release`. */
export interface PanelLease {
  readonly key: string;
  readonly returns: readonly Float64Array[];
  release(): void;
}

/**
 * Return columns by calendar and symbol. Ten thousand portfolios over the same thousand symbols keep one copy of
 * each column; a column is freed with its last user. The calendar's key holds the closes too: a corrected bar makes
 * a new column.
 */
export class ScenarioPanels {
  private readonly columns = new Map<string, Column>();
  private used = 0;

  get bytes(): number {
    return this.used;
  }

  lease(aligned: AlignedCloses): PanelLease {
    const calendar = digest(aligned.days);
    const keys = aligned.symbols.map((symbol, i) => `${symbol} ${calendar} ${digest(aligned.closes[i]!)}`);
    const returns = keys.map((key, i) => this.take(key, aligned.closes[i]!));
    return {
      key: createHash('sha256').update(keys.join('\n')).digest('hex'),
      returns,
      release: this.releaseOf(keys),
    };
  }

  /** Made apart from `lease`: a closure there would keep the closes alive as long as the lease. */
  private releaseOf(keys: readonly string[]): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      for (const key of keys) this.give(key);
    };
  }

  private take(key: string, closes: Float64Array): Float64Array {
    let column = this.columns.get(key);
    if (!column) {
      column = { returns: simpleReturns(closes), users: 0 };
      this.columns.set(key, column);
      this.used += column.returns.byteLength;
    }
    column.users++;
    return column.returns;
  }

  private give(key: string): void {
    const column = this.columns.get(key);
    if (!column || --column.users > 0) return;
    this.columns.delete(key);
    this.used -= column.returns.byteLength;
  }
}

const digest = (values: Int32Array | Float64Array): string =>
  createHash('sha256').update(values).digest('base64url').slice(0, 22);
