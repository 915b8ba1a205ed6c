import type { EventBus } from '../domain/event-bus.js';
import type { HopStamps, PortfolioRevalued, SummaryReady } from '../domain/events.js';
import { finiteOrNull } from '../domain/json-values.js';
import { activeTrace, inBatchSpan, type TraceOrigin } from '../observability/tracing/tracing.js';
import type { AnalyticsEngine } from './analytics-engine.js';
import type { AnalyticsMeter } from './analytics-meter.js';
import type { CalculatorRunner } from './calculators/calculator-runner.js';
import type { FeedListener } from './engine-feed.js';
import { LateResults } from './late-results.js';
import type { PortfolioState } from './portfolio-state.js';
import { PublicationSchedule } from './publication-schedule.js';
import { type Summary, summaryOf } from './summary.js';

/** Where many portfolios change at once, or work is waiting, changes are announced at most this often, ms. */
const announceEveryMs = 10;
/** So many are announced at once. */
const fewPortfolios = 256;
/** Longest time that publishing holds the event loop, ms. */
const sliceMs = 2;
/**
 * Shares of the event loop's time for portfolios that nobody follows: for their announcements and for their summaries; and
 * how often there are some, ms.
 */
const patientShare = 0.05;
const unfollowedShare = 0.02;
const unfollowedEveryMs = 20;
/** Announced between two looks at the clock. */
const patientAtOnce = 32;

/**
 * Tells the later stages what changed: `portfolio.revalued` after each batch, `summary.ready` conflated. When there is
 * more to publish than time, portfolios wait their turn and the interval grows by itself.
 */
export class SummaryPublisher implements FeedListener {
  private readonly schedule: PublicationSchedule;
  private announcedMs = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private dueMs = Number.POSITIVE_INFINITY;
  private pumping = false;
  private stopped = false;
  /** The one that changes which wait to be announced came in. */
  private trace: TraceOrigin | null = null;
  private readonly listeners: ((state: PortfolioState) => void)[] = [];
  /** The newest batch whose latency is counted. */
  private observed: AnalyticsEngine['batch'];
  private readonly patience = new TimeShare(patientShare);
  private readonly spare = new TimeShare(unfollowedShare);
  private readonly lateResults: LateResults;
  /**
   * Whether anybody gets a portfolio's summaries. Those that nobody gets are announced in a share of the time, enough
   * for limits and history, and published, if at all, in another.
   */
  isFollowed: (portfolioId: string) => boolean = () => true;
  /** Whether a summary that nobody gets need not be made: who comes later asks for the present one. */
  passOver: (portfolioId: string) => boolean = () => false;

  constructor(
    private readonly engine: AnalyticsEngine,
    private readonly bus: EventBus,
    private readonly calculators: CalculatorRunner,
    private readonly meter: AnalyticsMeter,
    intervalMs: number,
  ) {
    this.schedule = new PublicationSchedule(intervalMs, (state) => this.isFollowed(state.id));
    this.lateResults = new LateResults(
      calculators,
      (state) => engine.state(state.id) === state && this.isFollowed(state.id),
      (state) => this.publishAll([state]),
    );
  }

  /** Portfolios that wait for their publication. */
  get pending(): number {
    return this.schedule.pending;
  }

  /** Called with each portfolio that was marked, at most once per batch. */
  onMarked(listener: (state: PortfolioState) => void): void {
    this.listeners.push(listener);
  }

  applied(drained: boolean): void {
    if (this.stopped) return;
    const now = performance.now();
    const { batch } = this.engine;
    if (batch !== this.observed && batch !== undefined) {
      this.observed = batch;
      this.meter.applySeconds.observe(Math.max(0, Date.now() - batch.ingestedAtMs) / 1_000);
    }
    const few = drained && this.engine.changedCount <= fewPortfolios;
    const dueMs = this.announcedMs + announceEveryMs;
    if (few || now >= dueMs) {
      this.announcedMs = now;
      this.announce(this.engine.takeChanged(0), now);
      this.announcePatient();
      this.pump();
    } else {
      this.trace = activeTrace() ?? this.trace;
      this.wakeAt(dueMs);
    }
  }

  /** Somebody follows these from now on: what is new of them, and has had to wait, waits no longer. */
  follow(states: Iterable<PortfolioState>): void {
    const now = performance.now();
    for (const state of states) {
      this.engine.setPatient(state, false);
      this.schedule.follow(state, now);
    }
    this.wakeAt(now);
  }

  /** Publishes the present summaries of these, as its interval and the time allow: somebody has begun to follow all of them. */
  publishAll(states: Iterable<PortfolioState>): void {
    const now = performance.now();
    for (const state of states) this.schedule.changed(state, now);
    this.wakeAt(now);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.lateResults.stop();
  }

  /** Of the portfolios that may wait: as many as their share of the time allows. */
  private announcePatient(): void {
    const { engine } = this;
    const from = performance.now();
    const allowedMs = this.patience.allowed(from);
    let now = from;
    while (engine.patientCount > 0 && now - from < allowedMs) {
      this.announce(engine.takeChanged(patientAtOnce), now);
      now = performance.now();
    }
    this.patience.used(now - from);
    if (engine.patientCount > 0) this.wakeAt(now + unfollowedEveryMs);
  }

  private announce(changed: readonly PortfolioState[], now: number): void {
    const computedMs = Date.now();
    const trace = activeTrace() ?? this.trace;
    this.trace = null;
    for (const state of changed) {
      state.computedMs = computedMs;
      for (const listener of this.listeners) listener(state);
      this.bus.emit('portfolio.revalued', new Revaluation(this.engine, state));
      const followed = this.isFollowed(state.id);
      this.engine.setPatient(state, !followed);
      if (!followed && this.passOver(state.id)) continue;
      if (trace !== null) state.trace = trace;
      if (this.schedule.changed(state, now)) this.meter.conflated.inc();
    }
  }

  /** Publishes what is due, for a slice of time; the rest follows in the next turns of the event loop. */
  private pump(): void {
    if (this.pumping || this.stopped) return;
    const { schedule } = this;
    const end = performance.now() + sliceMs;
    let now = performance.now();
    for (; now < end; now = performance.now()) {
      const state = schedule.take(now);
      if (state === undefined) break;
      this.publishTraced(state, schedule.takenDueMs);
    }
    if (now < end && schedule.hasUnfollowed) now = this.pumpUnfollowed(now, end);
    const { nextDueMs } = schedule;
    if (nextDueMs <= now) {
      this.pumping = true;
      setImmediate(() => {
        this.pumping = false;
        this.pump();
      });
    } else this.wakeAt(Math.min(nextDueMs, schedule.hasUnfollowed ? now + unfollowedEveryMs : nextDueMs));
  }

  /** @returns the time now */
  private pumpUnfollowed(from: number, end: number): number {
    const allowedMs = this.spare.allowed(from);
    let now = from;
    while (now < end && now - from < allowedMs) {
      const state = this.schedule.takeUnfollowed(now);
      if (state === undefined) break;
      // That it had to wait for spare time is not for its latency.
      if (!this.passOver(state.id)) this.publishTraced(state, now);
      now = performance.now();
    }
    this.spare.used(now - from);
    return now;
  }

  private publishTraced(state: PortfolioState, dueMs: number): void {
    const { trace } = state;
    if (trace === null) {
      this.publish(state, dueMs);
      return;
    }
    state.trace = null;
    inBatchSpan('analytics publish', [trace], { 'tidewatch.portfolio': state.id }, () =>
      this.publish(state, dueMs),
    );
  }

  private wakeAt(dueMs: number): void {
    if (dueMs >= this.dueMs) return;
    this.dueMs = dueMs;
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => {
        this.dueMs = Number.POSITIVE_INFINITY;
        if (this.engine.changedCount > 0 || this.engine.patientCount > 0) this.applied(true);
        this.pump();
      },
      Math.max(1, dueMs - performance.now()),
    );
  }

  /** @param dueMs when the interval let it go, ms of the monotonic clock */
  private publish(state: PortfolioState, dueMs: number): void {
    // Deleted since.
    if (this.engine.state(state.id) !== state) return;
    const nowMs = Date.now();
    // On the clock of the other stamps and never after now, also where that clock has been set.
    const dueWallMs = Math.round(nowMs - (performance.now() - dueMs));
    const results = this.calculators.latest(state);
    const data = summaryOf(this.engine, state, results, nowMs);
    this.lateResults.published(state, results);
    const hops = hopsOf(state, dueWallMs);
    // An interface has no index signature; a copy of 25 fields only for that would be made thousands of times a second.
    this.bus.emit('summary.ready', {
      portfolioId: state.id,
      data: data as Summary & SummaryReady['data'],
      hops,
    });
    this.meter.publications.inc();
    // Where it is told once more (for its calculators, or for who has begun to follow it) no tick has waited.
    const isNews = state.version !== state.publishedVersion;
    state.publishedVersion = state.version;
    if (isNews && hops.ingestedMs !== null) {
      const waitedMs = hops.dueMs - hops.computedMs;
      this.meter.waitSeconds.observe(waitedMs / 1_000);
      this.meter.publishSeconds.observe(Math.max(0, Date.now() - hops.ingestedMs - waitedMs) / 1_000);
    }
  }
}

/** A share of the event loop's time, at most one slice of it saved up. */
class TimeShare {
  private allowanceMs = sliceMs;
  private refilledMs = performance.now();

  constructor(private readonly share: number) {}

  /** @returns ms that may be used now */
  allowed(nowMs: number): number {
    this.allowanceMs = Math.min(sliceMs, this.allowanceMs + (nowMs - this.refilledMs) * this.share);
    this.refilledMs = nowMs;
    return this.allowanceMs;
  }

  used(ms: number): void {
    this.allowanceMs -= ms;
  }
}

/**
 * Thousands of these are made where few are looked into: what is asked for is found out then, while the event is delivered.
 */
class Revaluation implements PortfolioRevalued {
  constructor(
    private readonly engine: AnalyticsEngine,
    private readonly state: PortfolioState,
  ) {}

  get portfolioId(): string {
    return this.state.id;
  }

  get value(): number | null {
    return finiteOrNull(this.state.value);
  }

  get hops(): HopStamps {
    return hopsOf(this.state, Number.NEGATIVE_INFINITY);
  }

  get symbols(): readonly string[] {
    return this.engine.movedSymbols(this.state);
  }
}

/** @param dueMs when the interval let it go, Unix ms */
function hopsOf({ batch, sourceMs, computedMs }: PortfolioState, dueMs: number): HopStamps {
  return {
    sourceMs: batch === null ? null : sourceMs,
    ingestedMs: batch === null ? null : batch.ingestedAtMs,
    storedMs: batch === null ? null : batch.storedAtMs,
    computedMs,
    // What came when the interval was over already did not wait for it.
    dueMs: Math.max(computedMs, dueMs),
  };
}
