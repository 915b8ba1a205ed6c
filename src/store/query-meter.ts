import { Injectable } from '@nestjs/common';
import { type QueryKind, queryKinds, querySeconds } from '../observability/catalogue/store.js';
import { type HistogramHandle, Metrics } from '../observability/metrics.js';

/** Times what clients ask of the store, by what is read for it. */
@Injectable()
export class QueryMeter {
  private readonly seconds: Readonly<Record<QueryKind, HistogramHandle>>;

  constructor(metrics: Metrics) {
    this.seconds = Object.fromEntries(
      queryKinds.map((query) => [query, metrics.histogram(querySeconds, { query })]),
    ) as Record<QueryKind, HistogramHandle>;
  }

  /** Runs a query; failed ones count too, they took their time. `kind` is asked afterwards: it may depend on the answer. */
  async time<T>(kind: QueryKind | ((answer: T | undefined) => QueryKind), run: () => Promise<T>): Promise<T> {
    const started = performance.now();
    let answer: T | undefined;
    try {
      answer = await run();
      return answer;
    } finally {
      const of = typeof kind === 'string' ? kind : kind(answer);
      this.seconds[of].observe((performance.now() - started) / 1000);
    }
  }
}
