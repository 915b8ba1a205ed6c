import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { clientSignal, type HttpReply } from '../client-signal.js';
import { type BacktestRequest, backtestRequest } from './backtest.dto.js';
import { BacktestService } from './backtest.service.js';
import { type CovarianceRequest, covarianceRequest } from './covariance.dto.js';
import { type PerformanceRequest, performanceRequest } from './performance.dto.js';
import { PerformanceService } from './performance.service.js';
import { StatelessRiskService } from './stateless-risk.service.js';
import { type VarRequest, varRequest } from './var.dto.js';

/** Risk of what the body describes. */
@Controller('api/v1/risk')
export class StatelessRiskController {
  constructor(
    private readonly risk: StatelessRiskService,
    private readonly performance: PerformanceService,
    private readonly backtests: BacktestService,
  ) {}

  @Post('var')
  @HttpCode(200)
  var(@Body({ schema: varRequest }) body: VarRequest, @Res({ passthrough: true }) reply: HttpReply) {
    return this.risk.var(body, clientSignal(reply));
  }

  @Post('covariance')
  @HttpCode(200)
  covariance(
    @Body({ schema: covarianceRequest }) body: CovarianceRequest,
    @Res({ passthrough: true }) reply: HttpReply,
  ) {
    return this.risk.covariance(body, clientSignal(reply));
  }

  @Post('performance')
  @HttpCode(200)
  measure(@Body({ schema: performanceRequest }) body: PerformanceRequest) {
    return this.performance.measure(body);
  }

  @Post('backtest')
  @HttpCode(200)
  backtest(@Body({ schema: backtestRequest }) body: BacktestRequest) {
    return this.backtests.test(body);
  }
}
