import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { notFound, Problem } from '../../domain/problem.js';
import { historicalStress } from '../../kernel/historical-stress.js';
import { shockLoss } from '../../kernel/shock-loss.js';
import { contentHash } from '../compute/content-hash.js';
import { alignCloses, gapRule, isoDay } from '../history/align-closes.js';
import { CloseHistory, type Closes } from '../history/close-history.js';
import { fractionReason, provenance } from '../provenance.js';
import { refused } from '../refusal.js';
import { type PortfolioExposures, portfolioExposures } from './portfolio-exposures.js';
import type { StressRequest } from './portfolio-risk.dto.js';
import { isStressWindow, stressWindows } from './stress-windows.js';

/** Days read per symbol: more than thirty years. */
const historyDays = 10_000;

interface Window {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly what: string | null;
}

/** What a portfolio would lose: in past windows, and under shocks of the user's own. */
@Injectable()
export class StressService {
  constructor(
    private readonly book: PortfolioBook,
    private readonly history: CloseHistory,
  ) {}

  async run(portfolioId: string, request: StressRequest) {
    const started = performance.now();
    const result = portfolioExposures(this.book, portfolioId);
    if (result === undefined) throw notFound('portfolio', portfolioId);
    if (!result.known) throw refused(result.refusal);
    const { known } = result;
    const windows = windowsOf(request);
    const series =
      windows.length === 0 ? [] : await this.history.closes(known.symbols, { limit: historyDays });
    const scenarios = [
      ...windows.map((w) => windowAnswer(w, known, series)),
      ...shocksOf(request).map((s, i) => this.shockAnswer(s, i, known)),
    ];
    return {
      portfolio_id: portfolioId,
      method: 'stress',
      confidence: null,
      horizon_days: null,
      confidence_reason: 'scenarios have neither confidence nor horizon',
      value: known.value,
      currency: known.portfolio.currency,
      scenarios: scenarios.sort(
        (a, b) => (b.loss ?? Number.NEGATIVE_INFINITY) - (a.loss ?? Number.NEGATIVE_INFINITY),
      ),
      observations: null,
      observations_reason: 'each scenario states its own',
      gap_rule: gapRule,
      ...provenance({
        inputsHash: contentHash({ request, symbols: known.symbols, exposures: known.exposures }),
        runtimeMs: performance.now() - started,
        cached: false,
        asOfMs: known.asOfMs,
        nowMs: Date.now(),
      }),
    };
  }

  /** Shocks of held symbols, and of the exchange rates that value them: (1 + price) · (1 + rate) − 1. */
  private shockAnswer({ name, shocks, all }: Shock, i: number, known: PortfolioExposures) {
    const rates = new Map(Object.entries(shocks).map(([s, move]) => [pairName(s), { symbol: s, move }]));
    const applied = new Set<string>();
    const moves = known.symbols.map((symbol) => {
      const price = shocks[symbol] ?? all ?? 0;
      let factor = 1;
      for (const { pair, inverse } of this.book.fxPairs(symbol, known.portfolio.currency)) {
        const rate = rates.get(pair);
        if (!rate) continue;
        if (inverse && rate.move === -1) throw noRate(i, rate.symbol);
        applied.add(rate.symbol);
        factor *= inverse ? 1 / (1 + rate.move) : 1 + rate.move;
      }
      // Without a shock of a rate the move is the one given, to the last digit.
      return factor === 1 ? price : (1 + price) * factor - 1;
    });
    const unknown = Object.keys(shocks).filter((s) => !known.symbols.includes(s) && !applied.has(s));
    const { loss, contributions } = shockLoss(known.exposures, moves);
    return {
      name: name ?? `shock ${i + 1}`,
      kind: 'user_shock',
      ...lossAnswer(loss, contributions, known),
      ...(applied.size === 0 ? {} : { fx_shocked: [...applied] }),
      ...(unknown.length === 0 ? {} : { not_held: unknown }),
    };
  }
}

/** `FX:EUR/USD` → `EURUSD`. */
const pairName = (symbol: string): string => symbol.slice(symbol.lastIndexOf(':') + 1).replace(/[/_-]/, '');

function noRate(i: number, symbol: string): Problem {
  const message = `${symbol} converts as its inverse, which has no value at a rate of 0`;
  const pointer = `/shocks/${i}/shocks/${symbol.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return new Problem(422, 'VALIDATION_FAILED', message, {
    errors: [{ pointer, code: 'NO_RATE', message }],
  });
}

function windowsOf({ windows, shocks }: StressRequest): Window[] {
  const wanted = windows ?? (shocks === undefined ? Object.keys(stressWindows) : []);
  return wanted.map((w, i) => {
    if (typeof w !== 'string')
      return { name: w.name ?? `${w.from} to ${w.to}`, from: w.from, to: w.to, what: null };
    if (isStressWindow(w)) return { name: w, ...stressWindows[w] };
    const message = `is no window; known are ${Object.keys(stressWindows).join(', ')}`;
    throw new Problem(422, 'VALIDATION_FAILED', `/windows/${i}: ${message}`, {
      errors: [{ pointer: `/windows/${i}`, code: 'UNKNOWN_WINDOW', message }],
    });
  });
}

const epochDay = (iso: string): number => Date.parse(iso) / 86_400_000;

function windowAnswer({ name, from, to, what }: Window, known: PortfolioExposures, all: readonly Closes[]) {
  const [first, last] = [epochDay(from), epochDay(to)];
  const inside = known.symbols.map((symbol) => clip(symbol, all, first, last));
  const missing = known.symbols.filter((_, i) => inside[i]!.days.length < 2);
  const about = { name, kind: 'historical_window', from, to, ...(what === null ? {} : { what }) };
  if (missing.length > 0 || known.symbols.length === 0) {
    const reason =
      known.symbols.length === 0
        ? 'the portfolio holds nothing'
        : `no closes within the window for ${missing.join(', ')}`;
    return { ...about, loss: null, loss_fraction: null, reason };
  }
  const aligned = alignCloses(known.symbols, inside, historyDays);
  if (aligned.days.length < 2)
    return { ...about, loss: null, loss_fraction: null, reason: 'no two common days' };
  const stress = historicalStress(aligned.closes, known.exposures);
  return {
    ...about,
    ...lossAnswer(stress.loss, stress.contributions, known),
    worst_loss: stress.worstLoss,
    worst_day: isoDay(aligned.days[stress.worstIndex]!),
    first_day: isoDay(aligned.days[0]!),
    last_day: isoDay(aligned.days[aligned.days.length - 1]!),
    observations: aligned.days.length - 1,
    ...(known.foreign.length === 0
      ? {}
      : {
          fx: `exchange rates are held at today's: the moves of those of ${known.foreign.join(', ')} are not included`,
        }),
  };
}

function clip(symbol: string, all: readonly Closes[], first: number, last: number): Closes {
  const found = all.find((c) => c.symbol === symbol);
  if (!found) return { symbol, days: new Int32Array(0), closes: new Float64Array(0) };
  let start = 0;
  while (start < found.days.length && found.days[start]! < first) start++;
  let end = start;
  while (end < found.days.length && found.days[end]! <= last) end++;
  return { symbol, days: found.days.subarray(start, end), closes: found.closes.subarray(start, end) };
}

interface Shock {
  readonly name?: string;
  readonly shocks: Readonly<Record<string, number>>;
  readonly all?: number;
}

function shocksOf({ shocks }: StressRequest): readonly Shock[] {
  if (shocks === undefined) return [];
  return Array.isArray(shocks) ? shocks : [{ name: 'user shock', shocks }];
}

const lossAnswer = (loss: number, contributions: Float64Array, known: PortfolioExposures) => ({
  loss: loss + 0,
  loss_fraction: known.value === 0 ? null : loss / Math.abs(known.value) + 0,
  ...(known.value === 0 ? { fraction_reason: fractionReason(0) } : {}),
  contributions: Object.fromEntries(known.symbols.map((symbol, i) => [symbol, contributions[i]! + 0])),
});
