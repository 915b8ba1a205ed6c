import type { Tick } from '../domain/tick.js';
import { bridgeDay, minSteps } from './bridge.js';
import { epochDay, type MarketDay } from './market-data.js';
import { seededRandom } from './seeded-random.js';

/** Prices of one instrument per wall-clock second: a market that is alive and costs next to nothing. */
const stepsPerSecond = 10;
/** How often due prices are sent. */
const beatMs = 100;
/** A process that was held up longer than this goes on where it was, instead of sending all that it has missed. */
const maxLagMs = 1_000;

/** Where the replay is. */
export interface MarketPosition {
  /** Date of the day that is being replayed. */
  readonly date: string;
  /** Prices of that day that were sent. */
  readonly step: number;
}

export interface DemoMarketOptions {
  /** Days to replay, oldest first. */
  readonly days: readonly MarketDay[];
  /** Wall-clock seconds of one market day. */
  readonly daySeconds: number;
  readonly position: MarketPosition | null;
  /** Stores ticks; rejects when they are not stored. */
  readonly send: (ticks: readonly Tick[]) => Promise<void>;
  readonly dayCompleted: (day: MarketDay) => Promise<void>;
  /** The last day is over and the first begins again. */
  readonly restarted?: () => void;
  /** What could not be sent is sent again at the next beat. */
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
}

/**
 * Replays real trading days as a live market: every day's prices follow its real open, high, low and close, and carry
 * the wall clock of the moment they are sent at. The same day gives the same prices whenever it is replayed.
 */
export class DemoMarket {
  private readonly now: () => number;
  private readonly steps: number;
  private readonly stepMs: number;
  private dayIndex: number;
  private step: number;
  private prices: ReadonlyMap<string, Float64Array>;
  /** Wall clock of step 0 of the day, had it run without a pause. */
  private dayBeganMs = 0;
  private lastTsMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly options: DemoMarketOptions) {
    this.now = options.now ?? Date.now;
    this.steps = Math.max(minSteps, Math.round(options.daySeconds * stepsPerSecond));
    this.stepMs = (options.daySeconds * 1_000) / this.steps;
    const { days, position } = options;
    const known = position === null ? -1 : days.findIndex((day) => day.date === position.date);
    this.dayIndex = Math.max(0, known);
    // Another speed makes other steps: then the day begins anew.
    this.step = known >= 0 && position!.step < this.steps ? position!.step : 0;
    this.prices = pricesOfDay(this.day, this.steps);
  }

  get position(): MarketPosition {
    return { date: this.day.date, step: this.step };
  }

  private get day(): MarketDay {
    return this.options.days[this.dayIndex]!;
  }

  start(): void {
    this.resume();
    this.schedule();
  }

  /** Resolves when nothing is being sent any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.beating;
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.beating = this.beat().then(() => {
        if (!this.stopped) this.schedule();
      });
    }, beatMs);
  }

  /** Makes the next step due now. */
  private resume(): void {
    this.dayBeganMs = this.now() - this.step * this.stepMs;
  }

  /** Sends what has become due. Never rejects. */
  async beat(): Promise<void> {
    if (this.now() - this.dayBeganMs - this.step * this.stepMs > maxLagMs) this.resume();
    try {
      const due = Math.min(this.steps, Math.floor((this.now() - this.dayBeganMs) / this.stepMs) + 1);
      if (due > this.step) {
        await this.options.send(this.ticks(this.step, due));
        this.step = due;
      }
      if (this.step === this.steps) await this.endDay();
    } catch (error) {
      this.options.onError(error);
    }
  }

  private ticks(from: number, to: number): Tick[] {
    const ticks: Tick[] = [];
    const now = this.now();
    for (let step = from; step < to; step++) {
      // When the price was due, but never in the future and never before its predecessor.
      const tsMs = Math.max(this.lastTsMs, Math.min(now, Math.round(this.dayBeganMs + step * this.stepMs)));
      this.lastTsMs = tsMs;
      for (const [symbol, prices] of this.prices) {
        ticks.push({ symbol, tsMs, price: prices[step]!, size: null, sourceId: null });
      }
    }
    return ticks;
  }

  private async endDay(): Promise<void> {
    await this.options.dayCompleted(this.day);
    this.dayBeganMs += this.steps * this.stepMs;
    this.step = 0;
    this.dayIndex++;
    if (this.dayIndex === this.options.days.length) {
      this.dayIndex = 0;
      this.options.restarted?.();
    }
    this.prices = pricesOfDay(this.day, this.steps);
  }
}

/** The prices of a day by symbol: always the same for the same day and number of steps. */
export function pricesOfDay(day: MarketDay, steps: number): ReadonlyMap<string, Float64Array> {
  return new Map(
    Object.entries(day.bars).map(([symbol, bar], i) => [
      symbol,
      bridgeDay(bar, steps, seededRandom(Math.imul(epochDay(day.date), 31) + i)),
    ]),
  );
}
