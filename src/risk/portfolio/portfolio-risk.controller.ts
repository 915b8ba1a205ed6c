import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { clientSignal, type HttpReply } from '../client-signal.js';
import { ModelQualityService } from '../quality/model-quality.service.js';
import { portfolioId } from '../request-fields.js';
import { RiskMetricsService } from './metrics.service.js';
import {
  type StressRequest,
  stressRequest,
  type VarQuery,
  varQuery,
  type WhatIfRequest,
  whatIfRequest,
} from './portfolio-risk.dto.js';
import { PortfolioRiskService } from './portfolio-risk.service.js';
import { StressService } from './stress.service.js';
import { WhatIfService } from './what-if.service.js';

/** Risk of stored portfolios. */
@Controller('api/v1/risk/portfolio/:id')
export class PortfolioRiskController {
  constructor(
    private readonly risk: PortfolioRiskService,
    private readonly stresses: StressService,
    private readonly whatIfs: WhatIfService,
    private readonly riskMetrics: RiskMetricsService,
    private readonly quality: ModelQualityService,
  ) {}

  @Get('var')
  var(
    @Param('id', { schema: portfolioId }) id: string,
    @Query({ schema: varQuery }) query: VarQuery,
    @Res({ passthrough: true }) reply: HttpReply,
  ) {
    return this.risk.var(id, query, clientSignal(reply));
  }

  @Get('components')
  components(
    @Param('id', { schema: portfolioId }) id: string,
    @Query({ schema: varQuery }) query: VarQuery,
    @Res({ passthrough: true }) reply: HttpReply,
  ) {
    return this.risk.components(id, query, clientSignal(reply));
  }

  @Post('stress')
  @HttpCode(200)
  stress(
    @Param('id', { schema: portfolioId }) id: string,
    @Body({ schema: stressRequest }) body: StressRequest,
  ) {
    return this.stresses.run(id, body);
  }

  @Post('what-if')
  @HttpCode(200)
  whatIf(
    @Param('id', { schema: portfolioId }) id: string,
    @Body({ schema: whatIfRequest }) body: WhatIfRequest,
  ) {
    return this.whatIfs.check(id, body);
  }

  @Get('metrics')
  metrics(@Param('id', { schema: portfolioId }) id: string) {
    return this.riskMetrics.list(id);
  }

  /** The rolling backtest of the portfolio's VaR: what the model-quality metrics come from. */
  @Get('backtest')
  backtest(@Param('id', { schema: portfolioId }) id: string) {
    return this.quality.report(id);
  }
}
