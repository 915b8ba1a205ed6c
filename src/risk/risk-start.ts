import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Logger } from '../observability/logger.js';
import { RiskCompute } from './compute/risk-compute.js';
import { LimitEvaluationService } from './limits/limit-evaluation.service.js';
import { LiveRiskService } from './live/live-risk.service.js';

/**
 * What happens once, when the engine before this stage has been rebuilt: limits are read, states are built, a
 * thread warms up.
 */
@Injectable()
export class RiskStart implements OnApplicationBootstrap {
  constructor(
    private readonly limits: LimitEvaluationService,
    private readonly live: LiveRiskService,
    private readonly compute: RiskCompute,
    private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.limits.load();
    this.live.start();
    this.compute.warm().catch((error: unknown) => {
      this.logger.child('risk').warn({ err: error }, 'no worker thread could be started');
    });
  }
}
