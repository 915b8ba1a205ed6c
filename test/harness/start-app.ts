import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Config } from '../../src/config/config.js';
import type { SettingName } from '../../src/config/schema.js';
import { createApp } from '../../src/create-app.js';
import { Health } from '../../src/health/health.js';
import { Lifecycle } from '../../src/lifecycle/lifecycle.js';
import { Logger } from '../../src/observability/logger.js';
import { Metrics } from '../../src/observability/metrics.js';
import { Running } from '../../src/shutdown.js';
import { postgres, redisUrl } from './servers.js';

export interface TestApp {
  readonly baseUrl: string;
  readonly wsUrl: string;
  readonly app: NestFastifyApplication;
  readonly lifecycle: Lifecycle;
  /** Orderly shutdown, as on SIGTERM. */
  stop(): Promise<void>;
}

/**
 * The whole application in this process: free port, fresh database, Redis of the run, no demo. `overrides` are settings
 * as in the environment; an empty `REDIS_URL` means without Redis. `TEST_LOG=debug` shows its log.
 */
export async function startApp(overrides: Partial<Record<SettingName, string>> = {}): Promise<TestApp> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-app-'));
  const config = Config.from({
    PORT: '0',
    DEMO: 'off',
    DATA_DIR: folder,
    DATABASE_URL: overrides.DATABASE_URL ?? (await postgres().freshDatabase()),
    REDIS_URL: overrides.REDIS_URL ?? (await redisUrl()),
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    ...overrides,
  });
  const lifecycle = new Lifecycle();
  const streams =
    process.env.TEST_LOG === undefined ? [] : [{ level: 'trace' as const, stream: process.stderr }];
  const logger = new Logger(config.get('LOG_LEVEL'), streams);
  const app = await createApp({ config, logger, lifecycle, metrics: new Metrics() });
  const running = new Running(logger, lifecycle, () => rmSync(folder, { recursive: true, force: true }));
  running.app = app;
  const stop = () => running.stop();
  try {
    await app.init();
    await app.get(Health).runAll();
    await app.listen(config.get('PORT'), config.get('HOST'));
    await lifecycle.started();
  } catch (error) {
    await stop();
    throw error;
  }
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}`, app, lifecycle, stop };
}
