import { coarseNowMs } from './coarse-clock.js';

/** Takes what a row of the threshold table is judged by. */
export interface WindowSink {
  add(value: number): void;
}

/** Where exemplars come from: the trace id of the active, sampled span. `null` while tracing is off: costs one compare. */
export interface ExemplarSource {
  current: (() => string | null) | null;
}

/** One observation that a trace shows in full. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  readonly tsMs: number;
}

/** Counts observations that no series can hold (NaN, a counter going down) instead of throwing on a hot path. */
export interface Refusals {
  count: number;
}

/** Only ever grows. */
export class CounterSeries {
  value = 0;

  constructor(
    readonly labels: Readonly<Record<string, string>>,
    private readonly refusals: Refusals,
    private readonly window: WindowSink | null = null,
  ) {}

  inc(by = 1): void {
    if (by >= 0) {
      this.value += by;
      if (this.window !== null) this.window.add(by);
    } else this.refusals.count++;
  }

  /** For totals that another server counts; its restart makes them smaller, which readers treat as a counter reset. */
  setTotal(total: number): void {
    if (total >= 0) this.value = total;
    else this.refusals.count++;
  }
}

/** Not exposed until it is set: an unknown value is absent, never 0. */
export class GaugeSeries {
  /** `undefined`: no value. */
  value: number | undefined;
  /** Asked at scrape time instead of stored; `null` means no value now. */
  read: (() => number | null) | undefined;

  constructor(
    readonly labels: Readonly<Record<string, string>>,
    private readonly refusals: Refusals,
  ) {}

  set(value: number): void {
    if (Number.isNaN(value)) this.refusals.count++;
    else this.value = value;
  }

  inc(by = 1): void {
    this.set((this.value ?? 0) + by);
  }

  dec(by = 1): void {
    this.set((this.value ?? 0) - by);
  }

  /** Takes the series off the next scrape until it is set again. */
  clear(): void {
    this.value = undefined;
  }

  now(): number | undefined {
    return this.read === undefined ? this.value : (this.read() ?? undefined);
  }
}

/** Counts per bucket, not cumulative; the exposition adds them up. */
export class HistogramSeries {
  readonly counts: Float64Array;
  sum = 0;
  /** Newest exemplar per bucket; made with the first one. */
  exemplars: (Exemplar | undefined)[] | undefined;

  constructor(
    readonly labels: Readonly<Record<string, string>>,
    private readonly bounds: readonly number[],
    private readonly refusals: Refusals,
    private readonly source: ExemplarSource,
    private readonly window: WindowSink | null = null,
  ) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    if (Number.isNaN(value)) {
      this.refusals.count++;
      return;
    }
    const bounds = this.bounds;
    let i = 0;
    while (i < bounds.length && value > (bounds[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sum += value;
    if (this.window !== null) this.window.add(value);
    if (this.source.current !== null) this.exemplify(i, value, this.source.current);
  }

  /** Adds what was observed elsewhere, by bucket. */
  merge(counts: readonly number[], sum: number): void {
    for (let i = 0; i < this.counts.length; i++)
      this.counts[i] = (this.counts[i] as number) + (counts[i] ?? 0);
    this.sum += sum;
  }

  get count(): number {
    let total = 0;
    for (const n of this.counts) total += n;
    return total;
  }

  /** One per bucket and tick of the clock: in a burst the first is as good as the last, and the others cost nothing. */
  private exemplify(bucket: number, value: number, source: () => string | null): void {
    const tsMs = coarseNowMs();
    if (this.exemplars?.[bucket]?.tsMs === tsMs) return;
    const traceId = source();
    if (traceId === null) return;
    this.exemplars ??= new Array(this.counts.length);
    this.exemplars[bucket] = { traceId, value, tsMs };
  }
}

export type Series = CounterSeries | GaugeSeries | HistogramSeries;
