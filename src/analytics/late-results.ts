import type { CalculatorResult } from './calculators/calculator.js';
import type { CalculatorRunner } from './calculators/calculator-runner.js';
import type { PortfolioState } from './portfolio-state.js';

/** Longest time that one look holds the event loop, ms, and how soon the next follows then. */
const sliceMs = 2;
const pauseMs = 10;

interface Published {
  version: number;
  results: Readonly<Record<string, CalculatorResult>>;
}

/**
 * Portfolios whose newest summary has results of calculators from before: those are renewed now and then only, and heavy
 * ones take their time. Where nothing else changes, the summary is published once more as soon as there are newer ones.
 */
export class LateResults {
  private readonly waiting = new Map<PortfolioState, Published>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param isWanted whether somebody gets its summaries, and it is there
   * @param publish once more
   */
  constructor(
    private readonly calculators: CalculatorRunner,
    private readonly isWanted: (state: PortfolioState) => boolean,
    private readonly publish: (state: PortfolioState) => void,
  ) {}

  /** A summary with these results is being published. */
  published(state: PortfolioState, results: Published['results']): void {
    const before = this.waiting.get(state);
    if (this.calculators.isSettled(state)) {
      if (before !== undefined) this.waiting.delete(state);
      return;
    }
    if (before === undefined) this.waiting.set(state, { version: state.version, results });
    else {
      before.version = state.version;
      before.results = results;
    }
    this.timer ??= setTimeout(() => this.look(), this.calculators.renewMs);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.waiting.clear();
  }

  private look(): void {
    const from = performance.now();
    let over = false;
    for (const [state, { version, results }] of this.waiting) {
      over = performance.now() - from > sliceMs;
      if (over) break;
      // What has changed since is published by itself.
      const isOutdated = this.isWanted(state) && state.version === version;
      const isNews = isOutdated && !isSame(this.calculators.latest(state), results);
      if (isOutdated && !isNews && !this.calculators.isSettled(state)) continue;
      this.waiting.delete(state);
      if (isNews) this.publish(state);
    }
    this.timer = undefined;
    if (this.waiting.size > 0)
      this.timer = setTimeout(() => this.look(), over ? pauseMs : this.calculators.renewMs);
  }
}

const isSame = (a: Published['results'], b: Published['results']): boolean =>
  a === b || JSON.stringify(a) === JSON.stringify(b);
