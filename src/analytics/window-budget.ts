import { StreamWindow } from '../kernel/stream-window.js';

/** Points of a window while memory lasts. */
export const fullWindow = 10_000;
/** Windows are not cut below this, whatever the budget. */
const smallestWindow = 128;
/** Per point: value, time, and its share of the ring of block aggregates (13 doubles per 28 points, and room to grow). */
const bytesPerPoint = 8 + 8 + 6;
/** Per window: the laid out front (64 aggregates of 13 doubles), scratch, objects. */
const bytesPerWindow = 64 * 13 * 8 + 3_072;
/** Windows are counted by powers of two of their points, from 2⁶. */
const firstStep = 6;
const lastStep = 14;
/** The step that a window gets memory for when the first is full. */
const secondStep = 9;
/** From there on it doubles, each from another size: together they have room for 1 / ln 2 of what they hold. */
const growthRoom = 1.45;
/** The golden ratio: its multiples, modulo 1, are spread evenly however many there are. */
const spread = (Math.sqrt(5) - 1) / 2;

/**
 * Keeps all windows together below a number of bytes. One level holds for all of them: the largest of 10,000, 7,500,
 * 5,625 … points at which the windows fit, given how many points each has seen. When it falls, every window gives up
 * its oldest points, at its next point or in a sweep. The level is a function of those counts alone, so an engine
 * that is rebuilt from the store arrives at the windows that it had.
 */
export class WindowBudget {
  private current = fullWindow;
  private windows = 0;
  private opened = 0;
  /** How many windows have seen enough points for 2ⁱ slots. */
  private readonly steps = new Uint32Array(lastStep + 1);
  private shortened = 0;

  /** @param maxBytes for all windows together */
  constructor(readonly maxBytes: number) {}

  /** Most points per window now. */
  get level(): number {
    return this.current;
  }

  /** Times that a window has given up points for want of memory. */
  get evictions(): number {
    return this.shortened;
  }

  /** Bytes that the windows take once each is at the level. */
  get bytes(): number {
    return this.need(this.current);
  }

  open(): StreamWindow {
    this.windows++;
    this.steps[firstStep]!++;
    this.fit();
    // Portfolios of the same symbols fill in step; ten thousand windows that doubled at the same tick held everybody up.
    const allocate = 64 + Math.floor(64 * ((++this.opened * spread) % 1));
    return new StreamWindow({ capacity: fullWindow, keepTimes: true, allocate });
  }

  close(window: StreamWindow): void {
    this.windows--;
    this.steps[stepOf(window.pushed)]!--;
    while (this.current < fullWindow && this.need(above(this.current)) <= this.maxBytes) {
      this.current = above(this.current);
    }
  }

  /** Pushes a value into a window that was opened here. */
  push(window: StreamWindow, value: number, tsMs: number, key: number): void {
    if (window.capacity !== this.current) this.bring(window);
    window.push(value, tsMs, key);
    const before = window.pushed - 1;
    // One point more than a power of two: the next step of memory.
    if (before >= 64 && before <= 8_192 && (before & (before - 1)) === 0) {
      const step = stepOf(before);
      this.steps[step]!--;
      this.steps[step + 1]!++;
      this.fit();
    }
  }

  /** Brings a window to the level now. */
  bring(window: StreamWindow): void {
    if (window.size > this.current) this.shortened++;
    if (window.capacity !== this.current) window.resize(this.current);
  }

  /**
   * How many points of each portfolio a rebuild has to apply to arrive at the windows of an engine that has seen at least
   * `seen` points of each: those of the level that holds then, and as many as it takes to know that no higher one does.
   */
  pointsToRebuild(seen: readonly number[]): number {
    const steps = new Uint32Array(lastStep + 1);
    for (const points of seen) steps[stepOf(points)]!++;
    let level = fullWindow;
    while (level > smallestWindow && this.need(level, steps, seen.length) > this.maxBytes)
      level = below(level);
    return Math.max(level, above(level));
  }

  private fit(): void {
    while (this.current > smallestWindow && this.need(this.current) > this.maxBytes) {
      this.current = below(this.current);
    }
  }

  private need(level: number, steps = this.steps, windows = this.windows): number {
    let points = 0;
    for (let step = firstStep; step <= lastStep; step++) {
      const held = step > firstStep && step < secondStep ? secondStep : step;
      points += steps[step]! * Math.min(growthRoom * 2 ** held, level);
    }
    return windows * bytesPerWindow + points * bytesPerPoint;
  }
}

const stepOf = (points: number): number => Math.ceil(Math.log2(Math.min(fullWindow, Math.max(64, points))));

const below = (level: number): number => Math.max(smallestWindow, Math.floor(level * 0.75));

/** The level before `level` in the series of {@link below}. */
function above(level: number): number {
  let higher = fullWindow;
  while (below(higher) > level) higher = below(higher);
  return higher;
}
