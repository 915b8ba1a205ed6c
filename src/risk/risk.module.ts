import { Module } from '@nestjs/common';
import { RiskCompute } from './compute/risk-compute.js';
import { BacktestService } from './stateless/backtest.service.js';
import { PerformanceService } from './stateless/performance.service.js';
import { StatelessRiskController } from './stateless/stateless-risk.controller.js';
import { StatelessRiskService } from './stateless/stateless-risk.service.js';

/** 4. Exposure → VaR by every method, limits, stress. */
@Module({
  controllers: [StatelessRiskController],
  providers: [RiskCompute, StatelessRiskService, PerformanceService, BacktestService],
})
export class RiskModule {}
