import type { Sample } from './state-machine.js';

/** Stored portfolio metrics as a backtest reads them. Implemented by the store. */
export abstract class MetricSamples {
  /** Oldest first, at most `limit`. */
  abstract read(
    portfolioId: string,
    metricType: string,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<readonly Sample[]>;
}
