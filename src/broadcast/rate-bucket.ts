/** Messages of one connection: refills steadily, takes bursts of four seconds' worth. */
export class RateBucket {
  private tokens: number;
  private filledMs = 0;
  private refused = 0;

  constructor(private readonly perSecond: number) {
    this.tokens = perSecond * 4;
  }

  /** `flood`: it went on for long after it was told. */
  take(nowMs: number): 'ok' | 'limited' | 'flood' {
    const max = this.perSecond * 4;
    if (this.filledMs > 0) {
      this.tokens = Math.min(max, this.tokens + (Math.max(0, nowMs - this.filledMs) / 1000) * this.perSecond);
    }
    this.filledMs = nowMs;
    // Only a pause is forgiven: a sender far over its rate gets one through now and then.
    if (this.tokens > max / 2) this.refused = 0;
    if (this.tokens >= 1) {
      this.tokens--;
      return 'ok';
    }
    return ++this.refused > max ? 'flood' : 'limited';
  }
}
