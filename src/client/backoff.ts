export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Exponential back-off with jitter over the upper half: clients that fell together do not return together, and none
 * returns at once.
 */
export class Backoff {
  private attempts = 0;

  /** @param random returns [0, 1) */
  constructor(
    private readonly limits: BackoffLimits,
    private readonly random: () => number = Math.random,
  ) {}

  /** @returns how long to wait before the next attempt, ms */
  next(): number {
    const ceiling = Math.min(this.limits.maxMs, this.limits.firstMs * 2 ** Math.min(this.attempts++, 30));
    return ceiling * (0.5 + this.random() / 2);
  }

  reset(): void {
    this.attempts = 0;
  }
}
