/** Largest value of the last `windowMs`, to the minute. */
export class RollingMax {
  private readonly minutes = new Map<number, number>();

  constructor(private readonly windowMs: number) {}

  add(nowMs: number, value: number): void {
    const minute = Math.floor(nowMs / 60_000);
    this.minutes.set(minute, Math.max(value, this.minutes.get(minute) ?? Number.NEGATIVE_INFINITY));
    this.trim(nowMs);
  }

  /** `null` when nothing was added within the window. */
  read(nowMs: number): number | null {
    this.trim(nowMs);
    return this.minutes.size === 0 ? null : Math.max(...this.minutes.values());
  }

  private trim(nowMs: number): void {
    const oldest = Math.floor((nowMs - this.windowMs) / 60_000);
    for (const minute of this.minutes.keys()) if (minute < oldest) this.minutes.delete(minute);
  }
}
