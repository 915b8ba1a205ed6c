import type { CollectorManifest } from './collector.js';

/** Longest stretch of the interval by back-off. */
const maxBackoff = 16;
/** Runs over budget in a row after which the interval doubles: a single one may be a cold cache. */
const runsToBackOff = 2;
/** Runs within budget in a row after which it halves again. */
const runsToForgive = 3;
/** Failed runs in a row after which the next one waits twice as long, then four times and so on, up to this. */
const runsToRetryLater = 3;
const maxRetryFactor = 8;
/** What fails is tried at least this often: a server that is back should be seen soon. */
const longestRetryMs = 30_000;
/** Runs are spread by up to this share of the interval, so that collectors do not hit a server on the same second. */
const jitter = 0.1;
/** First runs are spread over this. */
const firstRunWithinMs = 1_000;

/** When a collector runs next. Pure: random numbers and times are given. */
export class Pacing {
  private backoffFactor = 1;
  private withinBudget = 0;
  private overBudget = 0;
  private burstUntilMs = 0;
  private failed = 0;

  constructor(
    private readonly manifest: Pick<CollectorManifest, 'intervalMs' | 'burst'>,
    private setIntervalMs: number,
  ) {}

  get intervalMs(): number {
    return this.setIntervalMs;
  }

  set intervalMs(ms: number) {
    this.setIntervalMs = ms;
    this.backoffFactor = 1;
    this.withinBudget = 0;
    this.overBudget = 0;
  }

  get backoff(): number {
    return this.backoffFactor;
  }

  /** Failed runs in a row. */
  get failures(): number {
    return this.failed;
  }

  /** Time until the next run: the pace, stretched while runs fail. */
  effectiveMs(nowMs: number): number {
    const pace = this.paceMs(nowMs);
    const factor = Math.min(maxRetryFactor, 2 ** Math.max(0, this.failed - runsToRetryLater + 1));
    return Math.max(pace, Math.min(pace * factor, longestRetryMs));
  }

  /**
   * The interval of runs that do not fail: what the age of values is judged by. A burst never undoes a back-off: what is
   * too dear stays rare.
   */
  paceMs(nowMs: number): number {
    const burst = this.manifest.burst;
    const base =
      burst !== undefined && nowMs < this.burstUntilMs
        ? Math.min(burst.intervalMs, this.setIntervalMs)
        : this.setIntervalMs;
    return base * this.backoffFactor;
  }

  /** @param random within [0, 1) */
  firstDelayMs(random: number): number {
    return random * Math.min(firstRunWithinMs, this.setIntervalMs);
  }

  /** @param random within [0, 1) */
  nextDelayMs(nowMs: number, random: number): number {
    return this.effectiveMs(nowMs) * (1 + jitter * (random * 2 - 1));
  }

  afterResult(failed: boolean): void {
    this.failed = failed ? this.failed + 1 : 0;
  }

  /** @returns whether the back-off changed */
  afterRun(overBudget: boolean): boolean {
    const before = this.backoffFactor;
    if (overBudget) {
      this.withinBudget = 0;
      if (++this.overBudget >= runsToBackOff) {
        this.overBudget = 0;
        this.backoffFactor = Math.min(maxBackoff, this.backoffFactor * 2);
      }
    } else {
      this.overBudget = 0;
      if (this.backoffFactor > 1 && ++this.withinBudget >= runsToForgive) {
        this.withinBudget = 0;
        this.backoffFactor /= 2;
      }
    }
    return this.backoffFactor !== before;
  }

  /** Shortens the interval until then. @returns whether it is shorter than it was */
  burst(untilMs: number, nowMs: number): boolean {
    if (this.manifest.burst === undefined) return false;
    const before = this.paceMs(nowMs);
    this.burstUntilMs = Math.max(this.burstUntilMs, untilMs);
    return this.paceMs(nowMs) < before;
  }

  endBurst(): void {
    this.burstUntilMs = 0;
  }

  get burstingUntilMs(): number {
    return this.burstUntilMs;
  }
}
