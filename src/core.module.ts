import { type DynamicModule, Module } from '@nestjs/common';
import { Authorizer, OpenAuthorizer } from './access/authorizer.js';
import { KeyFileAuthorizer } from './access/key-file.authorizer.js';
import { Config } from './config/config.js';
import { EventBus } from './domain/event-bus.js';
import { Health } from './health/health.js';
import { Lifecycle } from './lifecycle/lifecycle.js';
import { Logger } from './observability/logger.js';
import { Metrics } from './observability/metrics.js';
import { traceEvent } from './observability/tracing/tracing.js';
import { tracing } from './observability/tracing/tracing-state.js';
import { RedisProvider } from './store/redis.provider.js';

/** What exists before the application does: made by `main.ts` or by a test. */
export interface Foundation {
  readonly config: Config;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly metrics: Metrics;
}

/** What every stage may inject without importing a module. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: a Nest dynamic module is a class with a static factory
export class CoreModule {
  static forRoot({ config, logger, lifecycle, metrics }: Foundation): DynamicModule {
    const log = logger.child('event-bus');
    const bus = new EventBus(
      (event, error) => log.error({ err: error, event }, 'an event listener failed'),
      tracing() === null ? undefined : traceEvent,
    );
    return {
      module: CoreModule,
      global: true,
      providers: [
        { provide: Config, useValue: config },
        { provide: Logger, useValue: logger },
        { provide: Lifecycle, useValue: lifecycle },
        { provide: Metrics, useValue: metrics },
        { provide: EventBus, useValue: bus },
        { provide: Authorizer, useFactory: () => authorizerFor(config, logger, lifecycle) },
        Health,
        RedisProvider,
      ],
      exports: [Config, Logger, Lifecycle, Metrics, EventBus, Authorizer, Health, RedisProvider],
    };
  }
}

function authorizerFor(config: Config, logger: Logger, lifecycle: Lifecycle): Authorizer {
  const path = config.get('API_KEYS');
  if (path === undefined) return new OpenAuthorizer();
  const log = logger.child('access');
  const authorizer = new KeyFileAuthorizer(path, (error) =>
    log.error({ err: error }, 'the key file is wrong; the keys from before stay valid'),
  );
  lifecycle.onShutdown('close', 'key file', () => authorizer.close());
  return authorizer;
}
