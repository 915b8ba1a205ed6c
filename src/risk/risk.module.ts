import { Module } from '@nestjs/common';
import { AnalyticsModule } from '../analytics/analytics.module.js';
import { BarRepository } from '../store/bar.repository.js';
import { StoreModule } from '../store/store.module.js';
import { RiskCompute } from './compute/risk-compute.js';
import { CloseHistory } from './history/close-history.js';
import { HistoryService } from './history/history.service.js';
import { LimitEvaluationService } from './limits/limit-evaluation.service.js';
import { LimitsController } from './limits/limits.controller.js';
import { LimitsService } from './limits/limits.service.js';
import { WorstLimitsController } from './limits/worst-limits.controller.js';
import { LiveRiskService } from './live/live-risk.service.js';
import { MetricRecorder } from './live/metric-recorder.js';
import { RevaluationService } from './live/revaluation.service.js';
import { RiskMetricsService } from './portfolio/metrics.service.js';
import { PortfolioRiskController } from './portfolio/portfolio-risk.controller.js';
import { PortfolioRiskService } from './portfolio/portfolio-risk.service.js';
import { StressService } from './portfolio/stress.service.js';
import { WhatIfService } from './portfolio/what-if.service.js';
import { ModelQualityService } from './quality/model-quality.service.js';
import { RiskStart } from './risk-start.js';
import { BacktestService } from './stateless/backtest.service.js';
import { PerformanceService } from './stateless/performance.service.js';
import { StatelessRiskController } from './stateless/stateless-risk.controller.js';
import { StatelessRiskService } from './stateless/stateless-risk.service.js';

/** 4. Exposure → VaR by every method, at tick speed; limits, stress, what-if, the quality of the model. */
@Module({
  imports: [StoreModule, AnalyticsModule],
  controllers: [StatelessRiskController, PortfolioRiskController, LimitsController, WorstLimitsController],
  providers: [
    RiskCompute,
    { provide: CloseHistory, useExisting: BarRepository },
    HistoryService,
    LiveRiskService,
    MetricRecorder,
    RevaluationService,
    LimitEvaluationService,
    LimitsService,
    ModelQualityService,
    StatelessRiskService,
    PerformanceService,
    BacktestService,
    PortfolioRiskService,
    StressService,
    WhatIfService,
    RiskMetricsService,
    RiskStart,
  ],
  exports: [LimitsService, LiveRiskService],
})
export class RiskModule {}
