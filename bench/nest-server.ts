import { tmpdir } from 'node:os';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { WsAdapter } from '../src/broadcast/ws-adapter.js';
import { Config } from '../src/config/config.js';
import { createFastifyAdapter } from '../src/http/fastify-adapter.js';
import { Lifecycle } from '../src/lifecycle/lifecycle.js';
import { Logger } from '../src/observability/logger.js';
import { Metrics } from '../src/observability/metrics.js';

/** What `CoreModule.forRoot` wants, without a log. Limits are the defaults: what is measured has to fit in them. */
export const foundation = (settings: NodeJS.ProcessEnv = {}) => ({
  config: Config.from({ ...settings, PORT: '0', DATA_DIR: tmpdir(), LOG_LEVEL: 'silent' }),
  logger: Logger.silent(),
  lifecycle: new Lifecycle(),
  metrics: new Metrics(),
});

/** A server of some stages alone, as `main.ts` makes the whole one: its HTTP adapter and its sockets. */
export async function nestServer(
  module: Type,
  { metrics, lifecycle }: Pick<ReturnType<typeof foundation>, 'metrics' | 'lifecycle'>,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    module,
    createFastifyAdapter(metrics, lifecycle),
    { logger: false, bodyParser: false, abortOnError: false },
  );
  app.useWebSocketAdapter(new WsAdapter(app));
  return app;
}
