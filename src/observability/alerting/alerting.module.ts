import { Global, Module } from '@nestjs/common';
import { StoreModule } from '../../store/store.module.js';
import { AlertsController } from './alerts.controller.js';
import { AlertsService } from './alerts.service.js';
import { BacktestService } from './backtest.service.js';
import { EvidenceModule } from './evidence.module.js';
import { EvidenceSources } from './evidence-sources.js';
import { RuleReport } from './rule-report.js';
import { SilenceBook } from './silence-book.js';
import { SilencesController } from './silences.controller.js';
import { TargetsModule } from './targets.module.js';

/** Thresholds, alerts and evidence. The store is imported for its implementations of `AlertStore` and `MetricSamples`. */
@Global()
@Module({
  imports: [StoreModule, TargetsModule, EvidenceModule],
  // Silences before alerts: their paths would otherwise be taken for ids.
  controllers: [SilencesController, AlertsController],
  providers: [SilenceBook, AlertsService, EvidenceSources, BacktestService, RuleReport],
  exports: [AlertsService],
})
export class AlertingModule {}
