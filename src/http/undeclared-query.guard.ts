import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/internal';
import type { FastifyRequest } from 'fastify';
import { validationProblem } from './schema-validation.pipe.js';

/** Pages, not the API: the query of a page belongs to the page. */
const pages = /^\/($|console\/)/;

/** Refuses query parameters on routes whose handler takes none; the schemas of the others refuse what they do not know. */
export class UndeclaredQueryGuard implements CanActivate {
  private readonly takesQuery = new WeakMap<object, boolean>();

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const { query, routeOptions } = context.switchToHttp().getRequest<FastifyRequest>();
    const keys = Object.keys(query as object);
    if (keys.length === 0 || this.declaresQuery(context) || pages.test(routeOptions.url ?? '')) return true;
    throw validationProblem([{ code: 'unrecognized_keys', keys, message: '' }], 'query');
  }

  private declaresQuery(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    let declares = this.takesQuery.get(handler);
    if (declares === undefined) {
      const parameters: object =
        Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), handler.name) ?? {};
      // `<kind>:<position>`
      declares = Object.keys(parameters).some((key) => Number.parseInt(key, 10) === RouteParamtypes.QUERY);
      this.takesQuery.set(handler, declares);
    }
    return declares;
  }
}
