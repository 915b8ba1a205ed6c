import { describe, expect, it } from '@jest/globals';
import type { Principal, Scope } from '../access/principal.js';
import { refuseAccess } from './access-control.js';

const key = (scopes: Scope[], portfolios: string[] | null = null): Principal => ({
  id: 'k',
  scopes: new Set(scopes),
  portfolios: portfolios === null ? null : new Set(portfolios),
  expiresAtMs: null,
});
const code = (method: string, route: string, principal?: Principal, id?: string) =>
  refuseAccess({ method, route, id }, principal)?.code;

const summary = '/api/v1/analytics/portfolio/:id/summary';

describe('refuseAccess', () => {
  it('lets everybody see the console, the health and what has a token of its own, and nothing else', () => {
    for (const route of ['/', '/console/:name', '/health', '/health/ready', '/metrics']) {
      expect(code('GET', route)).toBeUndefined();
    }
    for (const route of [summary, '/api/v1/portfolios', '/healthy', '/metrics/x', '/api/v1/alerts']) {
      expect(code('GET', route)).toBe('KEY_REQUIRED');
    }
  });

  it.each<[string, string, Scope]>([
    ['GET', summary, 'read'],
    ['POST', '/api/v1/analytics/compute', 'read'],
    ['POST', '/api/v1/risk/var', 'read'],
    ['POST', '/api/v1/risk/portfolio/:id/what-if', 'read'],
    ['POST', '/api/v1/ingest/ticks', 'ingest'],
    ['POST', '/api/v1/publish', 'ingest'],
    ['PUT', '/api/v1/portfolios/:id', 'ingest'],
    ['POST', '/api/v1/risk/portfolio/:id/limits', 'admin'],
    ['PATCH', '/api/v1/ops/collectors/:name', 'admin'],
    ['POST', '/api/v1/alerts/:id/ack', 'admin'],
    ['DELETE', '/api/v1/what/comes/next', 'admin'],
  ])('asks for a scope: %s %s needs %s', (method, route, scope) => {
    const others = (['read', 'ingest'] as const).filter((each) => each !== scope);
    expect(code(method, route, key([...others]), 'P')).toBe('SCOPE_MISSING');
    expect(code(method, route, key([scope]), 'P')).toBeUndefined();
    expect(code(method, route, key(['admin']), 'P')).toBeUndefined();
  });

  it('keeps a key for one portfolio away from the others and from what shows them all', () => {
    const mine = key(['read', 'ingest'], ['MINE']);
    expect(code('GET', summary, mine, 'MINE')).toBeUndefined();
    expect(code('GET', summary, mine, 'YOURS')).toBe('PORTFOLIO_NOT_ALLOWED');
    expect(code('PUT', '/api/v1/portfolios/:id', mine, 'YOURS')).toBe('PORTFOLIO_NOT_ALLOWED');
    for (const route of ['/api/v1/portfolios', '/api/v1/alerts', '/api/v1/ops/connections', '/api/v1/new']) {
      expect(code('GET', route, mine)).toBe('KEY_RESTRICTED');
    }
    // Its portfolios are in the body: the endpoint itself asks.
    expect(code('POST', '/api/v1/analytics/history', mine)).toBeUndefined();
    expect(code('POST', '/api/v1/ingest/metrics', mine)).toBe('KEY_RESTRICTED');
    expect(code('GET', '/api/v1/ticks', mine)).toBeUndefined();
  });
});
