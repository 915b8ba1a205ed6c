import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { notFound, Problem } from '../../domain/problem.js';
import { shockLoss } from '../../kernel/shock-loss.js';
import { contentHash } from '../compute/content-hash.js';
import { gapRule } from '../history/align-closes.js';
import { CloseHistory } from '../history/close-history.js';
import { provenance } from '../provenance.js';
import { refused } from '../refusal.js';
import { type PortfolioExposures, portfolioExposures } from './portfolio-exposures.js';
import type { StressRequest } from './portfolio-risk.dto.js';
import { isStressWindow, stressWindows } from './stress-windows.js';
import { historyDays, lossAnswer, rateSymbols, type Window, windowAnswer } from './window-stress.js';

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
    const conversions = known.symbols.map((s) => this.book.fxPairs(s, known.portfolio.currency));
    const series =
      windows.length === 0
        ? []
        : await this.history.closes([...known.symbols, ...rateSymbols(conversions)], { limit: historyDays });
    const scenarios = [
      ...windows.map((w) => windowAnswer(w, known, conversions, series)),
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

interface Shock {
  readonly name?: string;
  readonly shocks: Readonly<Record<string, number>>;
  readonly all?: number;
}

function shocksOf({ shocks }: StressRequest): readonly Shock[] {
  if (shocks === undefined) return [];
  return Array.isArray(shocks) ? shocks : [{ name: 'user shock', shocks }];
}
