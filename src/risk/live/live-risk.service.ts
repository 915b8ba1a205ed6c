import { setTimeout as pause, setImmediate as yieldToEvents } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { PortfolioBook } from '../../analytics/portfolio-book.js';
import { Config } from '../../config/config.js';
import { EventBus } from '../../domain/event-bus.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Logger, type ModuleLogger } from '../../observability/logger.js';
import { Metrics } from '../../observability/metrics.js';
import {
  activeTrace,
  inBatchSpan,
  outsideOfTraces,
  type TraceOrigin,
} from '../../observability/tracing/tracing.js';
import { RiskCompute } from '../compute/risk-compute.js';
import { HistoryService } from '../history/history.service.js';
import { ScenarioPanels } from '../history/scenario-panels.js';
import { type PortfolioExposures, portfolioExposures } from '../portfolio/portfolio-exposures.js';
import type { Refusal } from '../refusal.js';
import { DueQueue } from './due-queue.js';
import { LiveMeter } from './live-meter.js';
import { LivePortfolio } from './live-portfolio.js';
import { PathMaker } from './path-maker.js';
import { type RiskFigures, riskMessage } from './risk-figures.js';
import { StateBudget } from './state-budget.js';

/** Longest uninterrupted work on the event loop, ms … */
const sliceMs = 3;
/** … and the pause after it: at most a quarter of the loop goes into live risk, whatever the tick rate. */
const pauseMs = 9;
/** A portfolio without history is tried again after this long: bars may have been imported. */
const retryMs = 10_000;
/** Trying again is mostly in vain, for thousands at a time: so many, then a pause of so many ms, which what is new waits for. */
const retriesAtOnce = 10;
const retryPauseMs = 100;
/** The history of a live portfolio is read again after this long. */
const refreshMs = 300_000;
const stateFailed: Refusal = {
  code: 'STATE_FAILED',
  reason: 'Its state could not be built; it is tried again within ten seconds, and the log says why',
};
/** Free memory from which an evicted state is built again. */
const spareBytes = 2 ** 20;

/** One live portfolio with what was last computed. */
export interface LiveEntry {
  readonly portfolioId: string;
  readonly state: LivePortfolio;
  readonly lastDay: number | null;
  readonly builtAtMs: number;
  currency: string;
  figures: RiskFigures | null;
  /** When the figures were last computed or confirmed by a full revaluation. */
  confirmedAtMs: number;
}

type FiguresListener = (figures: RiskFigures) => void;
type LossListener = (portfolioId: string, refusal: Refusal | null) => void;

/**
 * VaR that follows the ticks. Every portfolio with prices and a history has an incremental state; a revaluation
 * marks it, and at most every `RISK_PUBLISH_MS` its changed exposures are applied, its figures read and published.
 */
@Injectable()
export class LiveRiskService {
  private readonly entries = new Map<string, LiveEntry>();
  private readonly waiting = new Map<string, Refusal>();
  private readonly toBuild = new Set<string>();
  /** Those that had no history the last time: after the others. */
  private readonly toRetry = new Set<string>();
  private readonly panels = new ScenarioPanels();
  private readonly due: DueQueue;
  private readonly budget: StateBudget;
  private readonly paths: PathMaker;
  private readonly meter: LiveMeter;
  private readonly log: ModuleLogger;
  private readonly figuresListeners: FiguresListener[] = [];
  private readonly lossListeners: LossListener[] = [];
  /** The trace of the first news of each portfolio since its last publication. */
  private readonly origins = new Map<string, TraceOrigin>();
  private flushTimer: NodeJS.Timeout | undefined;
  private building = false;
  private underConstruction: string | null = null;
  private stopped = false;

  constructor(
    private readonly book: PortfolioBook,
    private readonly history: HistoryService,
    private readonly bus: EventBus,
    compute: RiskCompute,
    config: Config,
    lifecycle: Lifecycle,
    metrics: Metrics,
    logger: Logger,
  ) {
    this.log = logger.child('risk');
    this.due = new DueQueue(config.get('RISK_PUBLISH_MS'));
    this.budget = new StateBudget(config.get('RISK_STATE_MAX_BYTES'), () => this.panels.bytes);
    this.paths = new PathMaker(compute, config.get('RISK_LIVE_PATHS'), this.budget, (error) =>
      this.log.error({ err: error }, 'simulating paths failed'),
    );
    this.meter = new LiveMeter(metrics, {
      live: () => this.entries.size,
      waiting: () => this.waiting.size,
      bytes: () => this.budget.bytes(),
      oldestMs: () => this.oldestMs(),
    });
    const off = [
      bus.on('portfolio.changed', (e) => {
        if (e.kind === 'deleted') this.drop(e.portfolio.id, null);
        else this.changed(e.portfolio.id);
      }),
      bus.on('portfolio.revalued', (e) => this.revalued(e.portfolioId)),
      bus.on('bars.stored', (e) => this.barsStored(e.symbols)),
    ];
    const retry = setInterval(() => this.retry(), retryMs).unref();
    lifecycle.onShutdown('stop-intake', 'live risk', () => {
      this.stopped = true;
      clearInterval(retry);
      clearTimeout(this.flushTimer);
      for (const remove of off) remove();
    });
  }

  /** Builds a state for every portfolio there is; called when the engine has been rebuilt. */
  start(): void {
    for (const id of this.book.portfolioIds()) this.toBuild.add(id);
    void this.buildAll();
  }

  /** Called with every new set of figures, before it is published. */
  onFigures(listener: FiguresListener): void {
    this.figuresListeners.push(listener);
  }

  /** Called when the risk of a portfolio is no longer known, with the reason; `null`: the portfolio is gone. */
  onLoss(listener: LossListener): void {
    this.lossListeners.push(listener);
  }

  entry(portfolioId: string): LiveEntry | undefined {
    return this.entries.get(portfolioId);
  }

  all(): Iterable<LiveEntry> {
    return this.entries.values();
  }

  /** Why a portfolio has no live risk; `undefined` when it has, or is not known. */
  refusal(portfolioId: string): Refusal | undefined {
    if (this.entries.has(portfolioId)) return undefined;
    const refusal = this.waiting.get(portfolioId);
    if (refusal) return refusal;
    return this.toBuild.has(portfolioId) || this.underConstruction === portfolioId
      ? { code: 'STARTING', reason: 'Its history is being read' }
      : undefined;
  }

  /** Brings one portfolio up to the latest prices now. @returns its figures, or `undefined` while it has none */
  update(portfolioId: string): RiskFigures | undefined {
    const entry = this.entries.get(portfolioId);
    if (!entry) return undefined;
    const started = performance.now();
    const result = portfolioExposures(this.book, portfolioId);
    if (!result?.known || !this.fits(entry, result.known)) {
      this.rebuild(portfolioId);
      return undefined;
    }
    const figures = this.compute(entry, result.known);
    this.meter.updateTime.observe((performance.now() - started) / 1000);
    return figures;
  }

  private revalued(portfolioId: string): void {
    if (this.entries.has(portfolioId)) {
      const origin = activeTrace();
      if (origin !== null && !this.origins.has(portfolioId)) this.origins.set(portfolioId, origin);
      this.due.mark(portfolioId, Date.now());
      this.schedule();
      return;
    }
    const refusal = this.waiting.get(portfolioId);
    // The engine may come to know a portfolio, or a price of it, after the event that announced it.
    if (refusal === undefined || refusal.code === 'MISSING_PRICE') this.rebuild(portfolioId);
  }

  private changed(portfolioId: string): void {
    const entry = this.entries.get(portfolioId);
    const result = entry && portfolioExposures(this.book, portfolioId);
    if (entry && result?.known && this.fits(entry, result.known)) {
      this.due.mark(portfolioId, Date.now());
      this.schedule();
    } else {
      this.rebuild(portfolioId);
    }
  }

  /** Whether the state was built for these symbols; quantities may differ. */
  private fits(entry: LiveEntry, known: PortfolioExposures): boolean {
    const { symbols } = entry.state;
    return (
      symbols.length === known.symbols.length &&
      entry.currency === known.portfolio.currency &&
      known.symbols.every((s) => entry.state.indexOf(s) !== undefined)
    );
  }

  private compute(entry: LiveEntry, known: PortfolioExposures): RiskFigures {
    const { state } = entry;
    let gross = 0;
    let largest = 0;
    const exposures = new Float64Array(known.symbols.length);
    known.symbols.forEach((symbol, i) => {
      const exposure = known.exposures[i]!;
      exposures[state.indexOf(symbol)!] = exposure;
      gross += Math.abs(exposure);
      largest = Math.max(largest, Math.abs(exposure));
    });
    const changed = state.setExposures(exposures);
    if (changed > 0) this.meter.updates.inc(changed);
    const nowMs = Date.now();
    entry.confirmedAtMs = nowMs;
    this.budget.touch(entry.portfolioId);
    entry.figures = {
      portfolioId: entry.portfolioId,
      currency: entry.currency,
      value: known.value,
      grossExposure: gross,
      largestShare: gross === 0 ? 0 : largest / gross,
      tails: state.tails(),
      observations: state.observations,
      lastDay: entry.lastDay,
      paths: state.paths && { count: state.paths.sums.pnl.length, seed: state.paths.seed },
      asOfMs: known.asOfMs,
      computedAtMs: nowMs,
    };
    return entry.figures;
  }

  private schedule(delayMs?: number): void {
    if (this.flushTimer !== undefined || this.stopped) return;
    const nextMs = this.due.nextDueMs();
    if (nextMs === undefined) return;
    const flush = (): void => {
      this.flushTimer = undefined;
      this.flush();
    };
    const waitMs = Math.max(delayMs ?? 0, nextMs - Date.now(), 0);
    // The flush belongs to no trace: each portfolio in it goes back to its own.
    this.flushTimer = outsideOfTraces(() => setTimeout(flush, waitMs));
  }

  private flush(): void {
    const until = performance.now() + sliceMs;
    for (;;) {
      const portfolioId = this.due.take(Date.now());
      if (portfolioId === undefined) break;
      this.publish(portfolioId);
      if (performance.now() > until) {
        this.schedule(pauseMs);
        return;
      }
    }
    this.schedule();
  }

  private publish(portfolioId: string): void {
    const origin = this.origins.get(portfolioId) ?? null;
    this.origins.delete(portfolioId);
    inBatchSpan('risk update', [origin], { 'tidewatch.portfolio': portfolioId }, () => {
      const figures = this.update(portfolioId);
      if (!figures) return;
      for (const listener of this.figuresListeners) listener(figures);
      this.meter.published.inc();
      this.bus.emit('risk.ready', { portfolioId, data: riskMessage(figures) });
    });
  }

  private rebuild(portfolioId: string): void {
    this.toBuild.add(portfolioId);
    void this.buildAll();
  }

  /** States are built one after the other; each waits for the database and leaves the loop to others. */
  private async buildAll(): Promise<void> {
    if (this.building) return;
    this.building = true;
    let retries = 0;
    try {
      for (;;) {
        const isRetry = this.toBuild.size === 0;
        const next = (isRetry ? this.toRetry : this.toBuild).values().next();
        if (next.done || this.stopped) break;
        await this.attempt(next.value);
        await yieldToEvents();
        if (isRetry && ++retries % retriesAtOnce === 0) await pause(retryPauseMs, undefined, { ref: false });
      }
    } finally {
      this.building = false;
    }
  }

  private async attempt(portfolioId: string): Promise<void> {
    // Off the lists first: news that comes while it is being built puts it there again.
    this.toBuild.delete(portfolioId);
    this.toRetry.delete(portfolioId);
    this.underConstruction = portfolioId;
    await this.build(portfolioId).catch((error: unknown) => {
      this.log.error({ err: error, portfolio_id: portfolioId }, 'building the risk state failed');
      this.meter.stateFailures.inc();
      this.wait(portfolioId, stateFailed);
    });
    this.underConstruction = null;
  }

  private async build(portfolioId: string): Promise<void> {
    const first = portfolioExposures(this.book, portfolioId);
    if (first === undefined) return this.drop(portfolioId, null);
    if (!first.known) return this.wait(portfolioId, first.refusal);
    const { symbols } = first.known;
    const read = symbols.length === 0 ? emptyHistory : await this.history.aligned(symbols);
    if (!read.aligned) return this.wait(portfolioId, read.refusal);
    // Prices and positions have moved on while the history was read.
    const now = portfolioExposures(this.book, portfolioId);
    if (now === undefined) return this.drop(portfolioId, null);
    if (!now.known) return this.wait(portfolioId, now.refusal);
    const { known } = now;
    if (known.symbols.length !== symbols.length || known.symbols.some((s, i) => s !== symbols[i])) {
      return this.build(portfolioId);
    }
    const lease = this.panels.lease(read.aligned);
    const before = this.entries.get(portfolioId);
    if (before && before.state.lease.key === lease.key && this.fits(before, known)) {
      lease.release();
      return this.enter(portfolioId, { ...before, builtAtMs: Date.now() });
    }
    const state = new LivePortfolio(symbols, known.exposures, lease);
    this.discard(portfolioId);
    this.enter(portfolioId, {
      portfolioId,
      state,
      currency: known.portfolio.currency,
      lastDay: read.aligned.days.at(-1) ?? null,
      builtAtMs: Date.now(),
      figures: null,
      confirmedAtMs: Date.now(),
    });
    this.paths.want(portfolioId, state);
  }

  private enter(portfolioId: string, entry: LiveEntry): void {
    this.entries.set(portfolioId, entry);
    this.waiting.delete(portfolioId);
    for (const { id, part } of this.budget.add(portfolioId, entry.state)) {
      this.meter.evicted(part);
      if (part === 'portfolios')
        this.wait(id, { code: 'EVICTED', reason: 'The memory for live risk is used up' });
    }
    if (!this.entries.has(portfolioId)) return;
    this.due.mark(portfolioId, Date.now());
    this.schedule();
  }

  private wait(portfolioId: string, refusal: Refusal): void {
    const known = this.waiting.get(portfolioId);
    this.discard(portfolioId);
    this.waiting.set(portfolioId, refusal);
    if (known?.reason === refusal.reason) return;
    for (const listener of this.lossListeners) listener(portfolioId, refusal);
  }

  private drop(portfolioId: string, refusal: null): void {
    this.discard(portfolioId);
    this.waiting.delete(portfolioId);
    this.toBuild.delete(portfolioId);
    this.toRetry.delete(portfolioId);
    this.due.forget(portfolioId);
    for (const listener of this.lossListeners) listener(portfolioId, refusal);
  }

  private discard(portfolioId: string): void {
    const entry = this.entries.get(portfolioId);
    if (!entry) return;
    this.entries.delete(portfolioId);
    this.origins.delete(portfolioId);
    this.budget.remove(portfolioId);
    entry.state.lease.release();
  }

  private barsStored(symbols: readonly string[]): void {
    this.history.forget(symbols);
    for (const [id, { code }] of this.waiting) {
      if (code === 'MISSING_HISTORY' || code === 'SHORT_HISTORY') this.toBuild.add(id);
    }
    const changed = new Set(symbols);
    for (const { portfolioId, state } of this.entries.values()) {
      if (state.symbols.some((symbol) => changed.has(symbol))) this.toBuild.add(portfolioId);
    }
    this.retry();
  }

  private retry(): void {
    const refreshBefore = Date.now() - refreshMs;
    for (const [id, { code }] of this.waiting) {
      // Prices announce themselves; an evicted state comes back only when nothing else has to go for it.
      if (code === 'MISSING_PRICE' || (code === 'EVICTED' && !this.budget.hasRoom(spareBytes))) continue;
      this.toRetry.add(id);
    }
    for (const entry of this.entries.values()) {
      if (entry.builtAtMs < refreshBefore) this.toBuild.add(entry.portfolioId);
      else if (entry.state.paths === null) this.paths.want(entry.portfolioId, entry.state);
    }
    void this.buildAll();
  }

  private oldestMs(): number | null {
    let oldest: number | null = null;
    for (const { confirmedAtMs } of this.entries.values()) {
      oldest = oldest === null ? confirmedAtMs : Math.min(oldest, confirmedAtMs);
    }
    return oldest;
  }
}

const emptyHistory = {
  aligned: { symbols: [], days: new Int32Array(0), closes: [], droppedDays: 0, longestGapDays: 0 },
  refusal: null,
} as const;
