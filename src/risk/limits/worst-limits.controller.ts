import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { MetricRepository } from '../../store/metric.repository.js';

const parameters = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(20) });

/** Which limits need attention first, over all portfolios; closed to keys that may see only some. */
@Controller('api/v1/risk/limits')
export class WorstLimitsController {
  constructor(private readonly metrics: MetricRepository) {}

  @Get()
  async worst(@Query({ schema: parameters }) { limit }: z.output<typeof parameters>) {
    const rows = await this.metrics.worstLimits(limit);
    const nowMs = Date.now();
    return {
      items: rows.map((row) => ({
        portfolio_id: row.portfolioId,
        limit_id: row.limitId,
        limit_type: row.limitType,
        current_value: row.currentValue,
        threshold_value: row.thresholdValue,
        utilization: row.utilization,
        status: row.status,
      })),
      as_of: new Date(nowMs).toISOString(),
    };
  }
}
