import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Authorizer } from './access/authorizer.js';
import { AppModule } from './app.module.js';
import { WsAdapter } from './broadcast/ws-adapter.js';
import type { Foundation } from './core.module.js';
import { guardAccess } from './http/access-control.js';
import { createFastifyAdapter } from './http/fastify-adapter.js';
import { ProblemFilter } from './http/problem.filter.js';
import { SchemaValidationPipe } from './http/schema-validation.pipe.js';
import { UndeclaredQueryGuard } from './http/undeclared-query.guard.js';
import { NestLogger } from './observability/nest-logger.js';

/**
 * The whole application, not yet listening, over a database and a Redis that exist. `main.ts` and the tests use the
 * same one.
 */
export async function createApp(foundation: Foundation): Promise<NestFastifyApplication> {
  const { config, lifecycle, logger, metrics } = foundation;
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(foundation),
    createFastifyAdapter(metrics, lifecycle, config.get('API_KEYS') === undefined),
    { logger: new NestLogger(logger), bodyParser: false, abortOnError: false },
  );
  guardAccess(app.getHttpAdapter().getInstance(), app.get(Authorizer));
  app.useGlobalFilters(new ProblemFilter(logger));
  app.useGlobalGuards(new UndeclaredQueryGuard());
  app.useGlobalPipes(new SchemaValidationPipe());
  app.useWebSocketAdapter(new WsAdapter(app));
  return app;
}
