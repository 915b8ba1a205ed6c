import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashKey } from '../../../src/access/key-file.authorizer.js';
import { startApp, type TestApp } from '../../harness/index.js';

describe('the HTTP layer', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await startApp();
  });
  afterAll(() => server.stop());

  const get = (path: string, init?: RequestInit) => fetch(`${server.baseUrl}${path}`, init);
  const problem = async (response: Response) => {
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ status: response.status, type: 'about:blank' });
    expect(body.trace_id).toMatch(/^[0-9a-f]{32}$/);
    return body;
  };

  it('is healthy, live and ready', async () => {
    const health = await get('/health');
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ status: 'ok', checks: { redis: { status: 'ok' } } });
    expect((await get('/health/live')).status).toBe(200);
    expect((await get('/health/ready')).status).toBe(200);
  });

  it('answers an unknown path with a problem that carries the trace id of the client', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const response = await get('/nope', { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
    expect(response.status).toBe(404);
    expect(await problem(response)).toMatchObject({ code: 'NOT_FOUND', trace_id: traceId });
  });

  it('answers a malformed URL with a problem', async () => {
    const response = await get('/%zz');
    expect([response.status, (await problem(response)).code]).toEqual([400, 'MALFORMED_URL']);
  });

  it('answers what is not HTTP with a problem and closes', async () => {
    const answer = await raw('NONSENSE\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"MALFORMED_REQUEST"');
  });

  it('serves clients that offer another protocol as if they had not', async () => {
    const answer = await raw(
      'GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade, HTTP2-Settings, close\r\n' +
        'upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('lets no web page of another site in, not even one that rebinds its name to loopback', async () => {
    expect(await raw('GET /health HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n')).toContain(
      '"code":"HOST_NOT_ALLOWED"',
    );
    const foreign = await get('/health', { headers: { origin: 'https://evil.example' } });
    expect([foreign.status, (await problem(foreign)).code]).toEqual([403, 'ORIGIN_NOT_ALLOWED']);
    expect((await get('/health', { headers: { origin: server.baseUrl } })).status).toBe(200);
  });

  it('says why it refuses a request without a Host', async () => {
    for (const head of ['', 'host:\r\n']) {
      const answer = await raw(`GET /health HTTP/1.1\r\n${head}connection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('"code":"HOST_MISSING"');
    }
  });

  it('answers a wrong method with the right ones', async () => {
    const asked = async (path: string, method: string) => {
      const response = await get(path, { method });
      return [response.status, (await problem(response)).code, response.headers.get('allow')];
    };
    expect(await asked('/health', 'DELETE')).toEqual([405, 'METHOD_NOT_ALLOWED', 'GET, HEAD']);
    expect(await asked('/api/v1/portfolios/X', 'PATCH')).toEqual([
      405,
      'METHOD_NOT_ALLOWED',
      'DELETE, GET, HEAD, PUT',
    ]);
    expect(await asked('/api/v1/ingest/ticks/', 'GET')).toEqual([405, 'METHOD_NOT_ALLOWED', 'POST']);
    expect(await asked('/api/v1/nothing', 'POST')).toEqual([404, 'NOT_FOUND', null]);
  });

  it.each([
    '/health',
    '/health/ready',
    '/metrics',
    '/api/v1/ops/pool',
    '/api/v1/ops/targets',
    '/api/v1/ops/nodes',
    '/api/v1/portfolios',
    '/api/v1/analytics/portfolio/P/summary',
    '/api/v1/risk/portfolio/P/limits',
  ])('refuses a query parameter that %s does not know', async (path) => {
    const response = await get(`${path}?foo=1`);
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({
      code: 'INVALID_PARAMETER',
      errors: [{ pointer: '?foo', code: 'UNKNOWN_FIELD' }],
    });
  });

  it('lets a page have a query of its own', async () => {
    expect((await get('/?portfolio=A')).status).toBe(200);
    expect((await get('/console/main.js?v=1')).status).toBe(200);
  });

  it.each([
    ['PUT', '/api/v1/portfolios/P', 'application/json'],
    ['POST', '/api/v1/risk/var', 'application/json'],
    ['POST', '/api/v1/analytics/compute', 'application/json'],
    ['POST', '/api/v1/ingest/ticks', 'application/json, application/x-ndjson, text/csv'],
    ['POST', '/api/v1/ingest/metrics', 'application/json, application/x-ndjson, text/csv, text/plain'],
  ])('says which types %s %s takes', async (method, path, accepted) => {
    for (const type of ['text/html', 'application/xml; charset=utf-8', 'image/png']) {
      const response = await get(path, { method, headers: { 'content-type': type }, body: 'x' });
      expect([response.status, response.headers.get('accept')]).toEqual([415, accepted]);
      expect(await problem(response)).toMatchObject({
        code: 'UNSUPPORTED_MEDIA_TYPE',
        detail: `Send ${accepted.replaceAll(', ', ' or ')}.`,
      });
    }
  });

  function raw(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(server.baseUrl).port), '127.0.0.1', () => socket.write(request));
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  }
});

describe('a server with API keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-keys-'));
  let server: TestApp;
  beforeAll(async () => {
    const keys = [
      { id: 'all', hash: hashKey('all-of-it'), scopes: ['admin'] },
      { id: 'one', hash: hashKey('one-portfolio'), scopes: ['read'], portfolios: ['MINE'] },
    ];
    writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys }));
    server = await startApp({ API_KEYS: join(folder, 'keys.json') });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const status = async (path: string, key?: string, body?: object) => {
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const post = { method: 'POST', body: JSON.stringify(body) };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(`${server.baseUrl}${path}`, {
      headers,
      ...(body === undefined ? {} : post),
    });
    return [response.status, ((await response.json()) as { code?: string }).code];
  };

  it('answers nobody without one, except about its health', async () => {
    expect(await status('/api/v1/portfolios')).toEqual([401, 'KEY_REQUIRED']);
    expect(await status('/api/v1/portfolios', 'wrong')).toEqual([401, 'KEY_REQUIRED']);
    expect((await status('/health'))[0]).toBe(200);
  });

  it('answers a key as far as it goes', async () => {
    expect(await status('/api/v1/portfolios', 'all-of-it')).toEqual([200, undefined]);
    expect(await status('/api/v1/portfolios', 'one-portfolio')).toEqual([403, 'KEY_RESTRICTED']);
    expect(await status('/api/v1/portfolios/YOURS', 'one-portfolio')).toEqual([403, 'PORTFOLIO_NOT_ALLOWED']);
    expect(await status('/api/v1/portfolios/MINE', 'one-portfolio')).toEqual([404, 'NOT_FOUND']);
    const history = (key: string, ...ids: string[]) =>
      status('/api/v1/analytics/history', key, { portfolio_ids: ids, from: 1, to: 2 });
    expect(await history('one-portfolio', 'MINE')).toEqual([404, 'NOT_FOUND']);
    expect(await history('one-portfolio', 'MINE', 'YOURS')).toEqual([403, 'PORTFOLIO_NOT_ALLOWED']);
    expect(await history('wrong', 'MINE')).toEqual([401, 'KEY_REQUIRED']);
    expect(await history('all-of-it', 'YOURS')).toEqual([404, 'NOT_FOUND']);
  });
});

describe('readiness', () => {
  it('goes away first when the server drains, while it still answers', async () => {
    const server = await startApp();
    let drained: () => void = () => {};
    server.lifecycle.onShutdown(
      'drain-clients',
      'test',
      () =>
        new Promise<void>((resolve) => {
          drained = resolve;
        }),
    );
    const stopped = server.stop();
    const response = await fetch(`${server.baseUrl}/health/ready`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 'unready', reasons: ['draining'] });
    drained();
    await stopped;
    await expect(fetch(`${server.baseUrl}/health/ready`)).rejects.toThrow();
  });

  it('does not cut off a request under way: its answer comes before the pools close', async () => {
    const server = await startApp();
    const socket = connect(Number(new URL(server.baseUrl).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const body = JSON.stringify({ name: 'Slow', currency: 'USD', positions: [] });
    socket.write(
      `PUT /api/v1/portfolios/SLOW HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stopped = server.stop();
    setTimeout(() => socket.write(body.slice(10)), 300);
    await ended;
    expect(answer).toMatch(/^HTTP\/1\.1 20[01] /);
    await stopped;
  });
});
