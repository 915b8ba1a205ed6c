import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { type AlignedCloses, alignCloses, isoDay } from './align-closes.js';
import { CloseHistory, type Closes } from './close-history.js';

/** A symbol's closes are read again after this long: bars may be imported at any time. */
const freshMs = 10_000;
/** Symbols whose closes are kept. */
const maxSymbols = 5_000;
/** More days than the window are read, so that gaps do not shorten it. */
const spareShare = 1.1;

/** Why there is no history to measure on. */
export interface HistoryRefusal {
  readonly code: 'MISSING_HISTORY' | 'SHORT_HISTORY';
  readonly reason: string;
}

export type HistoryResult =
  | { readonly aligned: AlignedCloses; readonly refusal: null }
  | { readonly aligned: null; readonly refusal: HistoryRefusal };

/** Daily histories of the symbols of a portfolio, aligned; recent reads are shared. */
@Injectable()
export class HistoryService {
  private readonly recent = new Map<
    string,
    { readonly closes: Closes | null; readonly atMs: number; readonly limit: number }
  >();

  constructor(
    private readonly source: CloseHistory,
    private readonly config: Config,
  ) {}

  /**
   * @param maxObservations newest returns wanted; default the configured window
   * @returns the common days of all symbols, or why that is too little
   */
  async aligned(
    symbols: readonly string[],
    maxObservations = this.config.get('RISK_WINDOW_DAYS'),
  ): Promise<HistoryResult> {
    const needed = this.config.get('RISK_MIN_OBSERVATIONS');
    const series = await this.read(symbols, Math.ceil((maxObservations + 1) * spareShare) + 5);
    const missing = symbols.filter((_, i) => series[i] === null);
    if (missing.length > 0) {
      return refuse('MISSING_HISTORY', `no daily closes are stored for ${list(missing)}`);
    }
    const known = series as readonly Closes[];
    const aligned = alignCloses(symbols, known, maxObservations + 1);
    const observations = Math.max(0, aligned.days.length - 1);
    if (observations >= needed) return { aligned, refusal: null };
    const shortest = known.reduce((a, b) => (b.days.length < a.days.length ? b : a), known[0]!);
    return refuse(
      'SHORT_HISTORY',
      `${observations} common daily returns, at least ${needed} are needed (shortest: ${shortest.symbol} with ${shortest.days.length} closes${
        shortest.days.length > 0 ? ` up to ${isoDay(shortest.days[shortest.days.length - 1]!)}` : ''
      })`,
    );
  }

  /** Reads the closes of these symbols anew when they are wanted next. */
  forget(symbols: readonly string[]): void {
    for (const symbol of symbols) this.recent.delete(symbol);
  }

  private async read(symbols: readonly string[], limit: number): Promise<(Closes | null)[]> {
    const nowMs = Date.now();
    const usable = (symbol: string): boolean => {
      const entry = this.recent.get(symbol);
      return entry !== undefined && nowMs - entry.atMs < freshMs && entry.limit >= limit;
    };
    const wanted = symbols.filter((s) => !usable(s));
    if (wanted.length > 0) {
      const read = new Map((await this.source.closes(wanted, { limit })).map((c) => [c.symbol, c]));
      for (const symbol of wanted) {
        const closes = read.get(symbol);
        this.recent.delete(symbol);
        this.recent.set(symbol, {
          closes: closes && closes.days.length > 0 ? closes : null,
          atMs: nowMs,
          limit,
        });
      }
    }
    const series = symbols.map((s) => this.recent.get(s)?.closes ?? null);
    for (const symbol of this.recent.keys()) {
      if (this.recent.size <= maxSymbols) break;
      this.recent.delete(symbol);
    }
    return series;
  }
}

const refuse = (code: HistoryRefusal['code'], reason: string): HistoryResult => ({
  aligned: null,
  refusal: { code, reason },
});

const list = (symbols: readonly string[]): string =>
  symbols.length <= 5
    ? symbols.join(', ')
    : `${symbols.slice(0, 5).join(', ')} and ${symbols.length - 5} more`;
