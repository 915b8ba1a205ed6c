import { Module } from '@nestjs/common';
import { IngestModule } from '../ingest/ingest.module.js';
import { RiskModule } from '../risk/risk.module.js';
import { StoreModule } from '../store/store.module.js';
import { DemoService } from './demo.service.js';

/** Portfolios over real prices, replayed as a live market: what a first start shows. Does nothing with `DEMO=off`. */
@Module({
  imports: [IngestModule, StoreModule, RiskModule],
  providers: [DemoService],
})
export class DemoModule {}
