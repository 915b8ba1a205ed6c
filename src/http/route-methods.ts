import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../domain/problem.js';

/** Knows which methods each path takes, so that a wrong one is answered as such and not as an unknown path. */
export class RouteMethods {
  private readonly routes = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();

  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRoute', ({ url, method }) => {
      const route = this.routes.get(url) ?? { path: patternOf(url), methods: new Set() };
      for (const each of [method].flat()) route.methods.add(each);
      this.routes.set(url, route);
    });
  }

  /** Of a request that no route took. @returns 405 with `Allow`, or `undefined` when the path takes no method at all */
  refuse({ is404, url, method }: FastifyRequest): Problem | undefined {
    if (!is404) return undefined;
    const path = url.split('?', 1)[0] ?? '';
    const allowed = new Set<string>();
    for (const route of this.routes.values())
      if (route.path.test(path)) for (const each of route.methods) allowed.add(each);
    if (allowed.size === 0) return undefined;
    const allow = [...allowed].sort().join(', ');
    return new Problem(405, 'METHOD_NOT_ALLOWED', `${path} takes ${allow}, not ${method}.`, {
      headers: { allow },
    });
  }
}

/** Of `/api/v1/portfolios/:id`; a trailing slash makes no difference. */
const patternOf = (template: string): RegExp =>
  new RegExp(
    `^${template
      .replace(/\/$/, '')
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/:\w+/g, '[^/]+')}/?$`,
  );
