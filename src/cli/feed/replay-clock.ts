/**
 * When recorded ticks are due: original spacing divided by the speed. A recording that jumps back in time does not stop
 * the clock; what is out of order is due with its predecessor.
 */
export class ReplayClock {
  private firstMs: number | undefined;
  private latestMs = 0;

  /** @param speed times the original speed; Infinity: everything is due at once */
  constructor(
    private readonly speed: number,
    private readonly startedMs: number,
  ) {}

  /** @param tsMs recorded time @returns wall clock at which it is due, Unix ms */
  dueMs(tsMs: number): number {
    this.firstMs ??= tsMs;
    this.latestMs = Math.max(this.latestMs, tsMs);
    return this.speed === Number.POSITIVE_INFINITY
      ? this.startedMs
      : this.startedMs + (this.latestMs - this.firstMs) / this.speed;
  }
}

/** `max`, or a number of times the original speed. @returns `undefined` for anything else */
export function parseSpeed(text: string): number | undefined {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const speed = Number(text.replace(/x$/i, ''));
  return text.trim() !== '' && Number.isFinite(speed) && speed > 0 ? speed : undefined;
}
