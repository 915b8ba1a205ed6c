import { Module } from '@nestjs/common';
import { StoreModule } from '../store/store.module.js';
import { HistoryController } from './history.controller.js';
import { PortfoliosController } from './portfolios.controller.js';

/** Stage 3: positions and prices become values, windows and summaries. */
@Module({
  imports: [StoreModule],
  controllers: [PortfoliosController, HistoryController],
})
export class AnalyticsModule {}
