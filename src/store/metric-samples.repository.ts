import { Injectable } from '@nestjs/common';
import { MetricSamples } from '../observability/alerting/metric-samples.js';
import type { Sample } from '../observability/alerting/state-machine.js';
import { Database } from './database.js';

/** Raw portfolio metrics in time order, sent and computed, as a backtest replays them. */
@Injectable()
export class MetricSamplesRepository extends MetricSamples {
  constructor(private readonly database: Database) {
    super();
  }

  async read(
    portfolioId: string,
    metricType: string,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<readonly Sample[]> {
    const { rows } = await this.database.reader.query<{ at: Date; value: number }>(
      `SELECT "timestamp" AS at, value FROM analytics_metrics
       WHERE portfolio_id = $1 AND metric_type = $2 AND "timestamp" BETWEEN $3 AND $4
       UNION ALL
       SELECT "timestamp" AS at, value FROM risk_metrics
       WHERE portfolio_id = $1 AND metric_type = $2 AND "timestamp" BETWEEN $3 AND $4
       ORDER BY at LIMIT $5`,
      [portfolioId, metricType, new Date(fromMs), new Date(toMs), limit],
    );
    return rows.map(({ at, value }) => ({ atMs: at.getTime(), value }));
  }
}
