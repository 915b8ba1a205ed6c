// The sockets and the stateless risk of the server, without a database, in a process of its own: what the event loop
// of a server sees while it calculates. Messages: `reset` clears the measurement, `read` answers it.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Module } from '@nestjs/common';
import { BroadcastModule } from '../../src/broadcast/broadcast.module.js';
import { CoreModule } from '../../src/core.module.js';
import { SchemaValidationPipe } from '../../src/http/schema-validation.pipe.js';
import { RiskCompute } from '../../src/risk/compute/risk-compute.js';
import { BacktestService } from '../../src/risk/stateless/backtest.service.js';
import { PerformanceService } from '../../src/risk/stateless/performance.service.js';
import { StatelessRiskController } from '../../src/risk/stateless/stateless-risk.controller.js';
import { StatelessRiskService } from '../../src/risk/stateless/stateless-risk.service.js';
import { foundation, nestServer } from '../nest-server.js';

const core = foundation();

@Module({
  imports: [CoreModule.forRoot(core), BroadcastModule],
  controllers: [StatelessRiskController],
  providers: [RiskCompute, StatelessRiskService, PerformanceService, BacktestService],
})
class BenchModule {}

const app = await nestServer(BenchModule, core);
app.useGlobalPipes(new SchemaValidationPipe());
await app.listen(0, '127.0.0.1');
await app.get(RiskCompute).warm();

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('message', (message: string) => {
  if (message === 'reset') delay.reset();
  // The monitor counts from one timer to the next: its resolution is part of every value.
  else
    process.send?.({
      p50: delay.percentile(50) / 1e6,
      p99: delay.percentile(99) / 1e6,
      max: delay.max / 1e6,
    });
});
process.once('disconnect', () => process.exit(0));
process.send?.({ port: (app.getHttpServer().address() as AddressInfo).port });
