import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp, until } from '../../harness/index.js';

interface Report {
  readonly name: string;
  readonly outcome: string;
  readonly enabled: boolean;
  readonly interval_seconds: number;
  readonly series: number;
  readonly error: unknown;
  readonly cost: { readonly database_ms: number; readonly redis_commands: number };
}

describe('collectors in the running server', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await startApp();
  });
  afterAll(() => server.stop());

  const json = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${server.baseUrl}${path}`, {
      ...init,
      headers: { 'content-type': 'application/json' },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const reports = async () => (await json('/api/v1/ops/collectors')).body.collectors as Report[];

  it('are found without being named, run, and say what they cost', async () => {
    const all = await until(async () => {
      const list = await reports();
      return list.length > 0 && list.every(({ outcome }) => outcome) ? list : undefined;
    });
    expect(all.filter(({ error }) => error !== null)).toEqual([]);
    expect(all.filter(({ outcome }) => outcome !== 'success' && outcome !== 'no_data')).toEqual([]);
    const byName = new Map(all.map((report) => [report.name, report]));
    for (const name of ['pool', 'redis-memory', 'latency', 'postgres', 'redis', 'process']) {
      expect(byName.get(name)).toMatchObject({ outcome: 'success', error: null, enabled: true });
      expect(byName.get(name)?.series).toBeGreaterThan(0);
    }
    expect(byName.get('pool')?.cost.database_ms).toBeGreaterThan(0);
    expect(byName.get('redis-memory')?.cost.redis_commands).toBeGreaterThan(1);
  });

  it('show up in the scrape, with the state of every collector', async () => {
    const text = await (await fetch(`${server.baseUrl}/metrics`)).text();
    expect(text).toMatch(/^tidewatch_pool_server_backends\{owner="tidewatch",state="\w+"\} \d+$/m);
    expect(text).toMatch(/^tidewatch_redis_memory_used_bytes \d+$/m);
    expect(text).toMatch(/^tidewatch_latency_dependency_ping_seconds_count\{dependency="postgres"\} [1-9]/m);
    expect(text).toMatch(/^tidewatch_collector_success\{collector="pool"\} 1$/m);
    expect(text).toMatch(/^tidewatch_collector_last_success_age_seconds\{collector="pool"\} \d/m);
  });

  it('negotiate OpenMetrics', async () => {
    const response = await fetch(`${server.baseUrl}/metrics`, {
      headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
    });
    expect(response.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    expect((await response.text()).endsWith('# EOF\n')).toBe(true);
  });

  it('change at run time, and refuse what makes no sense', async () => {
    const path = '/api/v1/ops/collectors/latency';
    const patch = (body: unknown) => json(path, { method: 'PATCH', body: JSON.stringify(body) });
    expect(await patch({ interval_seconds: 2 })).toMatchObject({
      status: 200,
      body: { interval_seconds: 2 },
    });
    expect(await patch({ enabled: false })).toMatchObject({
      status: 200,
      body: { enabled: false, state: 'disabled', series: expect.any(Number), age_seconds: null },
    });
    expect(await patch({ enabled: true })).toMatchObject({ status: 200, body: { enabled: true } });
    for (const wrong of [{}, { interval_seconds: 0 }, { interval_seconds: 'fast' }, { pace: 1 }]) {
      expect((await patch(wrong)).status).toBe(422);
    }
    expect((await json('/api/v1/ops/collectors/nope')).status).toBe(404);
  });

  it('answer for the pool and for Redis on demand', async () => {
    expect(await json('/api/v1/ops/pool')).toMatchObject({
      status: 200,
      body: {
        in_use: expect.any(Number),
        utilisation: expect.any(Number),
        acquire_wait_ms: { p95: expect.any(Number) },
        pools: expect.arrayContaining([expect.objectContaining({ name: 'reader', max: 6, waiting: 0 })]),
      },
    });
    const memory = await json('/api/v1/ops/redis/memory');
    expect(memory).toMatchObject({ status: 200, body: { used_bytes: expect.any(Number), reason: null } });
    const purged = await json('/api/v1/ops/redis/optimize', {
      method: 'POST',
      body: JSON.stringify({ force: true }),
    });
    expect(purged).toMatchObject({
      status: 200,
      body: {
        action: 'memory_purge',
        before: { rss_bytes: expect.any(Number) },
        after: { rss_bytes: expect.any(Number) },
      },
    });
    const bare = await fetch(`${server.baseUrl}/api/v1/ops/redis/optimize`, { method: 'POST' });
    expect(bare.status).toBe(200);
  });
});

describe('a server with a metrics token and no Redis', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await startApp({ METRICS_TOKEN: 'a-token-of-its-own', REDIS_URL: '' });
  });
  afterAll(() => server.stop());

  it('lets only the token scrape', async () => {
    const scrape = (headers: Record<string, string>) => fetch(`${server.baseUrl}/metrics`, { headers });
    expect((await scrape({})).status).toBe(401);
    expect((await scrape({ authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await scrape({ authorization: 'Bearer a-token-of-its-own' })).status).toBe(200);
  });

  it('says that there is no Redis, with null and never 0', async () => {
    const memory = await (await fetch(`${server.baseUrl}/api/v1/ops/redis/memory`)).json();
    expect(memory).toMatchObject({
      mode: 'none',
      used_bytes: null,
      reason: expect.stringMatching(/no Redis/),
    });
    const purge = await fetch(`${server.baseUrl}/api/v1/ops/redis/optimize`, { method: 'POST' });
    expect(purge.status).toBe(409);
  });
});
