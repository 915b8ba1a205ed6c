import type { AddressInfo } from 'node:net';
import { banner } from './cli/banner.js';
import { Progress } from './cli/progress.js';
import { Config } from './config/config.js';
import type { Settings } from './config/schema.js';
import { createApp } from './create-app.js';
import { DataDir } from './embedded/data-dir.js';
import { explainListenError, requireFreePort } from './embedded/free-port.js';
import { PostgresServer } from './embedded/postgres-server.js';
import { findRedis, RedisServer } from './embedded/redis-server.js';
import { Health } from './health/health.js';
import { Lifecycle } from './lifecycle/lifecycle.js';
import { fileStream, terminalStream } from './observability/log-destination.js';
import { Logger } from './observability/logger.js';
import { Metrics } from './observability/metrics.js';
import { requireUsableFiles } from './setting-files.js';
import { Running, stopOnSignals } from './shutdown.js';
import { RedisProvider } from './store/redis.provider.js';

/**
 * Connections that may wait to be accepted: after a restart thousands of clients are back at the same moment, and one
 * that finds no place tries again a second later. The kernel may allow less (`net.core.somaxconn`).
 */
const backlog = 4_096;

/**
 * Starts the server: folder, embedded servers, application, listening. Resolves when it is ready. SIGTERM and SIGINT
 * stop it from the first moment on.
 * @throws what stopped the start, after everything already started has been stopped
 */
export async function serve(config: Config): Promise<void> {
  requireUsableFiles(config);
  const progress = new Progress(process.stdout);
  const [host, port] = [config.get('HOST'), config.get('PORT')];
  const dataDir = new DataDir(config.get('DATA_DIR'));
  dataDir.lock(port === 0 ? null : urlOf(host, port));
  const file = fileStream(dataDir.logs);
  const logger = new Logger(config.get('LOG_LEVEL'), [
    { level: 'trace', stream: file },
    { level: 'warn', stream: terminalStream((text) => progress.print(text, process.stderr)) },
  ]);
  for (const warning of config.warnings) logger.child('server').warn(warning);
  const running = new Running(logger, new Lifecycle(), () => {
    dataDir.unlock();
    file.close();
  });
  stopOnSignals(running, (text) => progress.print(text));
  try {
    await start(config, running, progress, (url) => dataDir.announce(url));
  } catch (error) {
    progress.clear();
    // A signal came while starting: whoever handles it also ends the process.
    if (running.isStopping) return await running.stop();
    logger.child('server').info({ err: error }, 'the start failed');
    await running.stop();
    throw explainListenError(error, host, port);
  }
}

async function start(
  settings: Config,
  running: Running,
  progress: Progress,
  onListening: (url: string) => void,
): Promise<void> {
  const { logger, lifecycle } = running;
  const [host, port] = [settings.get('HOST'), settings.get('PORT')];
  await requireFreePort(host, port);
  const config = settings.withEmbedded(await startEmbedded(settings, running, progress));
  progress.step('starting the server');
  const app = await createApp({ config, logger, lifecycle, metrics: new Metrics() });
  running.app = app;
  await app.init();
  await app.get(Health).runAll();
  await app.listen({ port, host, backlog });
  const url = urlOf(host, (app.getHttpServer().address() as AddressInfo).port);
  onListening(url);
  await lifecycle.started();
  logger.child('server').info({ url, start_ms: Math.round(performance.now()) }, 'ready');
  progress.print(banner(config, url, app.get(RedisProvider).mode, performance.now()));
}

/** PostgreSQL and Redis, unless the settings name others. */
async function startEmbedded(
  config: Config,
  running: Running,
  progress: Progress,
): Promise<Partial<Pick<Settings, 'DATABASE_URL' | 'REDIS_URL'>>> {
  const log = running.logger.child('embedded');
  const options = {
    dataDir: config.get('DATA_DIR'),
    onProgress: (message: string) => progress.step(message),
    onEvent: (level: 'info' | 'warn' | 'error', message: string) => log[level](message),
  };
  const urls: { DATABASE_URL?: string; REDIS_URL?: string } = {};
  const startRedis = async () => {
    const program = config.get('REDIS_URL') === undefined ? findRedis() : null;
    if (program === null) return;
    const redis = await RedisServer.start(program, options);
    running.embedded.push(redis);
    urls.REDIS_URL = redis.url;
  };
  const startPostgres = async () => {
    if (config.get('DATABASE_URL') !== undefined) return;
    progress.step('starting PostgreSQL');
    const postgres = await PostgresServer.prepare(options);
    // Known before it runs: a signal may come at any time.
    running.embedded.push(postgres);
    await postgres.start();
    urls.DATABASE_URL = postgres.url;
  };
  // Both, even when one fails: what has started must be known to be stopped.
  const outcomes = await Promise.allSettled([startRedis(), startPostgres()]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return urls;
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
