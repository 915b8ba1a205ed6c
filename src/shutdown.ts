import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Lifecycle } from './lifecycle/lifecycle.js';
import { absorbCollectorFault } from './observability/collection/collector-task.js';
import type { Logger, ModuleLogger } from './observability/logger.js';

/** The orderly part may take this long; what has not ended then is cut off. Embedded servers stop after it. */
const phasesBudgetMs = 6_000;
const httpCloseBudgetMs = 1_000;

/** Everything that has been started and has to be stopped. Filled while the server starts. */
export class Running {
  app: NestFastifyApplication | undefined;
  /** Embedded servers: stopped last, in reverse order of their start. */
  readonly embedded: Array<{ stop(): Promise<void> }> = [];
  private readonly log: ModuleLogger;
  private stopping: Promise<void> | undefined;

  constructor(
    readonly logger: Logger,
    readonly lifecycle: Lifecycle,
    /** After everything else: locks, files. */
    private readonly release: () => void,
  ) {
    this.log = logger.child('shutdown');
  }

  get isStopping(): boolean {
    return this.stopping !== undefined;
  }

  /** Stops in order; never rejects, always ends. */
  stop(): Promise<void> {
    this.stopping ??= this.run();
    return this.stopping;
  }

  private async run(): Promise<void> {
    const phases = this.lifecycle.shutdown((step, error) =>
      this.log.error({ err: error, step }, 'shutdown step failed'),
    );
    await this.within(phasesBudgetMs, 'the shutdown phases', phases);
    if (this.app !== undefined)
      await this.within(httpCloseBudgetMs, 'closing the HTTP server', this.app.close());
    for (const server of this.embedded.toReversed()) await server.stop();
    this.log.info('stopped');
    await this.logger.flush();
    this.release();
  }

  private async within(ms: number, what: string, work: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<'timeout'>((resolve) => {
      timer = setTimeout(() => resolve('timeout'), ms);
    });
    try {
      if ((await Promise.race([work, timeout])) === 'timeout')
        this.log.warn(`${what}: cut off after ${ms} ms`);
    } catch (error) {
      this.log.error({ err: error }, what);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** One Ctrl-C arrives up to three times: from the terminal, from npm and from the start script. */
const sameSignalMs = 1_500;

/** SIGTERM and SIGINT stop the server and exit with 0; asking again ends it at once. Defects stop it and exit with 1. */
export function stopOnSignals(running: Running, announce: (text: string) => void): void {
  const log = running.logger.child('server');
  let askedAt: number | null = null;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (askedAt !== null) {
        if (performance.now() - askedAt > sameSignalMs) process.exit(1);
        return;
      }
      askedAt = performance.now();
      announce('\n  stopping …\n');
      log.info({ signal }, 'stopping');
      void running.stop().then(() => process.exit(0));
    });
  }
  const fail = (kind: string) => (error: unknown) => {
    // A plugin's stray timer or callback costs the plugin, not the server.
    if (absorbCollectorFault(error)) return;
    log.fatal({ err: error }, kind);
    void running.stop().then(() => process.exit(1));
  };
  process.on('uncaughtException', fail('uncaught exception'));
  process.on('unhandledRejection', fail('unhandled rejection'));
}
