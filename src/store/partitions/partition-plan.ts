const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export type PartitionWidth = 'hour' | 'day' | 'month';

/** Half-open span of time, Unix ms. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The width follows from how long rows are kept, so that the number of partitions stays bounded: 12 a year for what is
 * kept for ever (168 for ticks from 2013 to 2026), at most about 92 of a day, at most about 50 of an hour.
 */
export function widthFor(keepDays: number | null): PartitionWidth {
  if (keepDays === null || keepDays > 90) return 'month';
  return keepDays > 2 ? 'day' : 'hour';
}

/** The span of the given width, in UTC, that holds a moment. */
export function spanAt(tsMs: number, width: PartitionWidth): TimeRange {
  if (width === 'month') {
    const date = new Date(tsMs);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    return { fromMs: Date.UTC(year, month, 1), toMs: Date.UTC(year, month + 1, 1) };
  }
  const widthMs = width === 'day' ? dayMs : hourMs;
  const fromMs = Math.floor(tsMs / widthMs) * widthMs;
  return { fromMs, toMs: fromMs + widthMs };
}

/** `ticks_p20131001`, with the hour when it does not begin at midnight. */
export function partitionName(table: string, range: TimeRange): string {
  const stamp = new Date(range.fromMs).toISOString().replace(/[-T:]/g, '');
  return `${table}_p${range.fromMs % dayMs === 0 ? stamp.slice(0, 8) : stamp.slice(0, 10)}`;
}

/** The partitions of one table, in time order. */
export class Coverage {
  private ranges: TimeRange[];
  /** Rows arrive in bursts of one partition: this one is asked first. */
  private recent: TimeRange = { fromMs: 0, toMs: 0 };

  constructor(ranges: readonly TimeRange[] = []) {
    this.ranges = [...ranges].sort((a, b) => a.fromMs - b.fromMs);
  }

  get all(): readonly TimeRange[] {
    return this.ranges;
  }

  /** The partition that holds a moment. */
  holding(tsMs: number): TimeRange | undefined {
    const found = this.ranges[this.lastFrom(tsMs)];
    return found !== undefined && tsMs < found.toMs ? found : undefined;
  }

  covers(tsMs: number): boolean {
    const { recent } = this;
    if (tsMs >= recent.fromMs && tsMs < recent.toMs) return true;
    const found = this.holding(tsMs);
    if (found === undefined) return false;
    this.recent = found;
    return true;
  }

  /**
   * The partition to make for a moment that none covers: of the wanted width, cut where its neighbours begin and end
   * (they may have another width, from the time of another retention).
   */
  plan(tsMs: number, width: PartitionWidth): TimeRange {
    const span = spanAt(tsMs, width);
    const at = this.lastFrom(tsMs);
    const before = this.ranges[at];
    const after = this.ranges[at + 1];
    return {
      fromMs: Math.max(span.fromMs, before?.toMs ?? Number.NEGATIVE_INFINITY),
      toMs: Math.min(span.toMs, after?.fromMs ?? Number.POSITIVE_INFINITY),
    };
  }

  add(range: TimeRange): void {
    this.ranges.splice(this.lastFrom(range.fromMs) + 1, 0, range);
  }

  remove(range: TimeRange): void {
    this.ranges = this.ranges.filter((r) => r.fromMs !== range.fromMs);
    this.recent = { fromMs: 0, toMs: 0 };
  }

  /** Partitions that begin after a moment, without a gap. */
  aheadOf(tsMs: number): number {
    let edge = tsMs;
    let ahead = -1;
    for (const range of this.ranges) {
      if (range.toMs <= edge) continue;
      if (range.fromMs > edge) break;
      edge = range.toMs;
      ahead++;
    }
    return Math.max(0, ahead);
  }

  /** Index of the last range that begins at or before a moment; -1 when there is none. */
  private lastFrom(tsMs: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ranges[middle] as TimeRange).fromMs <= tsMs) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
