import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Authorizer } from '../access/authorizer.js';
import { bearerToken } from '../access/bearer-token.js';
import { maySee, mayUse, type Principal, type Scope } from '../access/principal.js';
import { Problem } from '../domain/problem.js';

/** What is asked of whom: method and route template, never the URL. */
export interface Access {
  readonly method: string;
  /** `/api/v1/portfolios/:id` */
  readonly route: string;
  /** The path parameter `id`, where there is one. */
  readonly id: string | undefined;
}

/** No secrets in them, or guarded by a token of their own (`/metrics`). */
const publicRoutes = /^\/($|console\/|health($|\/)|metrics$|openapi\.json$|asyncapi\.json$)/;

/** First match wins; what matches none needs `read` to look and `admin` to change. */
const scopeRules: ReadonlyArray<{ method: RegExp; route: RegExp; scope: Scope }> = [
  { method: /./, route: /^\/api\/v1\/(ingest\/|publish$|portfolios)/, scope: 'ingest' },
  // Calculations: nothing is stored or changed.
  {
    method: /^POST$/,
    route: /^\/api\/v1\/(analytics\/|risk\/(var|covariance|performance|backtest)$)/,
    scope: 'read',
  },
  { method: /^POST$/, route: /\/(stress|what-if)$|^\/api\/v1\/alerts\/backtest$/, scope: 'read' },
];

/** Routes that name their portfolio in the path. */
const portfolioRoute = /\/portfolios?\/:id(\/|$)/;
/** Routes without anybody's portfolio in them, and those that ask themselves whose they may show. */
const neutralRoute =
  /^\/api\/v1\/(ticks$|stream$|publish$|ws\/endpoint$|analytics\/(compute|history)$|ingest\/ticks$|risk\/(var|covariance|performance|backtest)$)/;

/** @returns why the principal may not, or `undefined` */
export function refuseAccess(access: Access, principal: Principal | undefined): Problem | undefined {
  if (publicRoutes.test(access.route)) return undefined;
  if (principal === undefined) {
    return new Problem(401, 'KEY_REQUIRED', 'Send a valid API key as "Authorization: Bearer …".', {
      headers: { 'www-authenticate': 'Bearer realm="tidewatch"' },
    });
  }
  const scope = scopeOf(access);
  if (!mayUse(principal, scope)) {
    return new Problem(403, 'SCOPE_MISSING', `The key "${principal.id}" lacks the scope "${scope}".`);
  }
  if (principal.portfolios === null || neutralRoute.test(access.route)) return undefined;
  if (portfolioRoute.test(access.route)) {
    if (access.id !== undefined && maySee(principal, access.id)) return undefined;
    return new Problem(403, 'PORTFOLIO_NOT_ALLOWED', `The key "${principal.id}" may not see this portfolio.`);
  }
  // Everything else may show any portfolio: closed to keys that may see only some.
  return new Problem(403, 'KEY_RESTRICTED', `The key "${principal.id}" is restricted to certain portfolios.`);
}

function scopeOf({ method, route }: Access): Scope {
  if (method === 'GET' || method === 'HEAD') return 'read';
  return scopeRules.find((rule) => rule.method.test(method) && rule.route.test(route))?.scope ?? 'admin';
}

/** Asks for a key on every route that needs one. Without configured keys there is nothing to ask. */
export function guardAccess(fastify: FastifyInstance, authorizer: Authorizer): void {
  if (authorizer.isOpen) return;
  fastify.addHook('onRequest', (request, _reply, done) => {
    // What does not exist is a 404 for everybody.
    if (request.is404) return done();
    const principal = authorizer.authenticate(bearerToken(request.headers.authorization));
    done(refuseAccess(accessOf(request), principal));
  });
}

function accessOf(request: FastifyRequest): Access {
  const params = request.params as { id?: string } | undefined;
  return { method: request.method, route: request.routeOptions.url ?? '', id: params?.id };
}
