import * as specs from '../../observability/catalogue/analytics.js';
import type { Metrics } from '../../observability/metrics.js';
import { isoTime } from '../iso-time.js';
import type { PortfolioState } from '../portfolio-state.js';
import { fullWindow } from '../window-budget.js';
import {
  type Calculator,
  type CalculatorInput,
  type CalculatorResult,
  checkedResult,
  type HeavyCalculator,
  type LightCalculator,
} from './calculator.js';
import type { CalculatorRegistry } from './calculator-registry.js';
import { errorMessage } from './error-message.js';
import { HeavyCalculators, ThreadEnded } from './heavy-calculators.js';

export interface RunnerLimits {
  /** A light calculator that takes longer has failed, ms. */
  readonly lightBudgetMs: number;
  /** A heavy calculator is stopped after this, ms. */
  readonly heavyTimeoutMs: number;
  /** Failures in a row after which a calculator is switched off. */
  readonly maxFailures: number;
  /** For publications, results are renewed at most this often per portfolio, ms. */
  readonly renewMs: number;
  /** Share of the event loop that renewals for publications may take. */
  readonly share: number;
  /** Heavy runs that may wait. */
  readonly maxWaiting: number;
}

const defaults: RunnerLimits = {
  lightBudgetMs: 10,
  heavyTimeoutMs: 5_000,
  maxFailures: 5,
  renewMs: 1_000,
  share: 0.05,
  maxWaiting: 64,
};

/** How a calculator has fared; what `explain` shows. */
export interface CalculatorHealth {
  runs: number;
  failuresInARow: number;
  lastRunMs: number | null;
  lastError: string | null;
  disabled: boolean;
}

/**
 * A thread that ends within this time after it began to do well goes on with the row of failures before it, ms: what ends
 * it was left behind by a run that had counted as good, and good runs after that one prove nothing.
 */
const probationMs = 60_000;

type Outcome = 'ok' | 'failed' | 'over_budget' | 'timeout' | 'skipped';

/** In place of a version: results are renewed when they are asked for next, whether the portfolio has changed or not. */
const askedAgain = -1;

interface Kept {
  version: number;
  /** How many calculators were switched off then. */
  switchedOff: number;
  renewedMs: number;
  results: Readonly<Record<string, CalculatorResult>>;
  /** Of the last runs of heavy calculators. */
  readonly heavy: Map<string, CalculatorResult>;
  readonly running: Set<string>;
}

/**
 * Runs calculators so that a bad one harms nobody: light ones within a time budget, heavy ones on a worker thread that
 * is stopped when it takes too long; every error is counted, and after several in a row the calculator is switched off
 * until the next start, which its metric and every summary say.
 */
export class CalculatorRunner {
  private readonly limits: RunnerLimits;
  private readonly kept = new WeakMap<PortfolioState, Kept>();
  private readonly records = new Map<string, CalculatorHealth>();
  private readonly values = new Float64Array(fullWindow);
  private readonly times = new Float64Array(fullWindow);
  private readonly heavy = new HeavyCalculators((name, ended) => {
    this.resumeRow(name);
    this.note(name, 'failed', 0, ended.message);
  });
  private waiting = 0;
  /** The last heavy run that was asked for. */
  private tail: Promise<void> = Promise.resolve();
  /** Of heavy calculators: the last row of failures, and when a good run has ended it. */
  private readonly endedRows = new Map<string, { readonly failures: number; readonly atMs: number }>();
  private switchedOff = 0;
  private closed = false;
  private allowanceMs = 50;
  private refilledMs = performance.now();

  constructor(
    private readonly registry: CalculatorRegistry,
    private readonly metrics: Metrics,
    private readonly onDisabled: (calculator: string, error: string) => void,
    limits: Partial<RunnerLimits> = {},
  ) {
    this.limits = { ...defaults, ...limits };
    for (const { name } of registry.all()) this.healthOf(name);
  }

  /** Results for a publication: renewed now and then, within a share of the event loop's time. */
  latest(state: PortfolioState): Readonly<Record<string, CalculatorResult>> {
    const kept = this.keptOf(state);
    const now = performance.now();
    this.allowanceMs = Math.min(50, this.allowanceMs + (now - this.refilledMs) * this.limits.share);
    this.refilledMs = now;
    if (this.isCurrent(kept, state) || now - kept.renewedMs < this.limits.renewMs || this.allowanceMs <= 0) {
      return kept.results;
    }
    const results = this.renew(state, kept);
    this.allowanceMs -= performance.now() - now;
    return results;
  }

  /** Results as of now; those of heavy calculators are as of their last run, and a new run is started. */
  fresh(state: PortfolioState): Readonly<Record<string, CalculatorResult>> {
    const kept = this.keptOf(state);
    return this.isCurrent(kept, state) ? kept.results : this.renew(state, kept);
  }

  /** How often the results of a portfolio are renewed for publications at most, ms. */
  get renewMs(): number {
    return this.limits.renewMs;
  }

  /** Whether the newest results are of the values as they are, and none is under way. */
  isSettled(state: PortfolioState): boolean {
    if (this.registry.size === 0) return true;
    const kept = this.keptOf(state);
    return this.isCurrent(kept, state) && kept.running.size === 0;
  }

  health(): ReadonlyMap<string, Readonly<CalculatorHealth>> {
    return this.records;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.heavy.close();
  }

  private isCurrent(kept: Kept, state: PortfolioState): boolean {
    return kept.version === state.version && kept.switchedOff === this.switchedOff;
  }

  private renew(state: PortfolioState, kept: Kept): Readonly<Record<string, CalculatorResult>> {
    kept.version = state.version;
    kept.switchedOff = this.switchedOff;
    kept.renewedMs = performance.now();
    const results: Record<string, CalculatorResult> = {};
    for (const calculator of this.registry.all()) {
      results[calculator.name] = this.resultOf(calculator, state, kept);
    }
    kept.results = results;
    return results;
  }

  private resultOf(calculator: Calculator, state: PortfolioState, kept: Kept): CalculatorResult {
    const { name, need } = calculator;
    const have = state.window.size;
    if (have < need) return { value: null, reason: `warming_up: needs ${need} values, has ${have}` };
    const { disabled, failuresInARow, lastError } = this.healthOf(name);
    if (disabled) {
      return { value: null, reason: `switched off after ${failuresInARow} failures: ${lastError}` };
    }
    if ('module' in calculator) {
      this.startHeavy(calculator, state, kept);
      return kept.heavy.get(name) ?? { value: null, reason: 'not computed yet' };
    }
    // An input for each: one that writes to its arrays spoils nobody else's.
    return dated(this.runLight(calculator, this.inputOf(state)), state.figuresAsOfMs);
  }

  private runLight(calculator: LightCalculator, input: CalculatorInput): CalculatorResult {
    const started = performance.now();
    try {
      const result = checkedResult(calculator.compute(input));
      const tookMs = performance.now() - started;
      const over = tookMs > this.limits.lightBudgetMs;
      this.note(
        calculator.name,
        over ? 'over_budget' : 'ok',
        tookMs,
        over ? `took ${Math.round(tookMs)} ms` : null,
      );
      return result;
    } catch (error) {
      const message = errorMessage(error);
      this.note(calculator.name, 'failed', performance.now() - started, message);
      return { value: null, reason: `failed: ${message}` };
    }
  }

  private startHeavy(calculator: HeavyCalculator, state: PortfolioState, kept: Kept): void {
    const { name } = calculator;
    if (kept.running.has(name)) return;
    if (this.waiting >= this.limits.maxWaiting) {
      this.note(name, 'skipped', null, null);
      kept.version = askedAgain;
      return;
    }
    this.waiting++;
    kept.running.add(name);
    const { version, figuresAsOfMs } = state;
    const input = this.inputOf(state);
    const copy = { ...input, values: input.values.slice(), times: input.times.slice() };
    this.tail = this.tail.then(async () => {
      // Switched off while it waited: those behind it need not wait for it to fail again.
      if (!this.closed && !this.healthOf(name).disabled) {
        const result = dated(await this.runHeavy(calculator, copy), figuresAsOfMs);
        kept.heavy.set(name, result);
        kept.results = { ...kept.results, [name]: result };
        if (state.version !== version) kept.version = askedAgain;
      }
      this.waiting--;
      kept.running.delete(name);
    });
  }

  /** One at a time: they share one core, and the time limit is for the calculation and not for the wait. */
  private async runHeavy(calculator: HeavyCalculator, input: CalculatorInput): Promise<CalculatorResult> {
    const { name } = calculator;
    const started = performance.now();
    const deadline = AbortSignal.timeout(this.limits.heavyTimeoutMs);
    try {
      const result = await this.heavy.run(calculator, input, deadline);
      const failures = this.healthOf(name).failuresInARow;
      if (failures > 0) this.endedRows.set(name, { failures, atMs: performance.now() });
      this.note(name, 'ok', performance.now() - started, null);
      return result;
    } catch (error) {
      const late = deadline.aborted;
      const message = late ? `took more than ${this.limits.heavyTimeoutMs} ms` : errorMessage(error);
      if (error instanceof ThreadEnded) this.resumeRow(name);
      this.note(name, late ? 'timeout' : 'failed', performance.now() - started, message);
      return { value: null, reason: `failed: ${message}` };
    }
  }

  /** The good runs since the last failure were none. */
  private resumeRow(name: string): void {
    const health = this.healthOf(name);
    const row = this.endedRows.get(name);
    this.endedRows.delete(name);
    if (health.failuresInARow > 0 || row === undefined) return;
    if (performance.now() - row.atMs < probationMs) health.failuresInARow = row.failures;
  }

  private note(name: string, outcome: Outcome, tookMs: number | null, error: string | null): void {
    this.metrics.counter(specs.calculatorRuns, { calculator: name, outcome }).inc();
    if (tookMs === null) return;
    this.metrics.histogram(specs.calculatorSeconds, { calculator: name }).observe(tookMs / 1_000);
    const health = this.healthOf(name);
    health.runs++;
    health.lastRunMs = tookMs;
    if (error === null) {
      health.failuresInARow = 0;
      return;
    }
    health.lastError = error;
    health.failuresInARow++;
    if (health.failuresInARow < this.limits.maxFailures || health.disabled) return;
    health.disabled = true;
    this.switchedOff++;
    // Whatever still runs there ends too.
    void this.heavy.end(name);
    this.metrics.gauge(specs.calculatorDisabled, { calculator: name }).set(1);
    this.onDisabled(name, error);
  }

  private inputOf(state: PortfolioState): CalculatorInput {
    const size = state.window.copyValues(this.values);
    state.window.copyTimes(this.times);
    return {
      portfolioId: state.id,
      currency: state.portfolio.currency,
      values: this.values.subarray(0, size),
      times: this.times.subarray(0, size),
      flows: state.flowsInWindow().map((flow) => flow.amount),
    };
  }

  private keptOf(state: PortfolioState): Kept {
    const known = this.kept.get(state);
    if (known) return known;
    const kept: Kept = {
      version: askedAgain,
      switchedOff: 0,
      renewedMs: Number.NEGATIVE_INFINITY,
      results: {},
      heavy: new Map(),
      running: new Set(),
    };
    this.kept.set(state, kept);
    return kept;
  }

  private healthOf(name: string): CalculatorHealth {
    const known = this.records.get(name);
    if (known) return known;
    const health: CalculatorHealth = {
      runs: 0,
      failuresInARow: 0,
      lastRunMs: null,
      lastError: null,
      disabled: false,
    };
    this.records.set(name, health);
    this.metrics.gauge(specs.calculatorDisabled, { calculator: name }).set(0);
    return health;
  }
}

/** Source time of the newest price in the values that a result is of: results may be older than the summary they are in. */
const dated = (result: CalculatorResult, asOfMs: number): CalculatorResult => ({
  ...result,
  as_of: Number.isNaN(asOfMs) ? null : isoTime(asOfMs),
});
