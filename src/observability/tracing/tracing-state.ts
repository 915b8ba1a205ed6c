/** What became of spans, since the start. */
export interface SpanCounts {
  /** Sampled spans that ended. */
  ended: number;
  exported: number;
  /** Given to the receiver, which did not take them. */
  failed: number;
}

/** Tracing as it was set up at start. */
export interface Tracing {
  readonly endpoint: string;
  readonly sampleRatio: number;
  readonly counts: Readonly<SpanCounts>;
  /** Sends what waits. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

let current: Tracing | null = null;

/** `null` while nothing is recorded: no endpoint, or `instrumentation.ts` was not loaded first. */
export const tracing = (): Tracing | null => current;

export function setTracing(state: Tracing): void {
  current = state;
}
