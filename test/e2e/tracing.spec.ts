import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgres, redisUrl, startApp } from '../harness/index.js';
import { OtlpReceiver } from '../harness/otlp-receiver.js';
import { ServerProcess } from '../harness/server-process.js';

const sampled = (traceId: string) => ({ traceparent: `00-${traceId}-b7ad6b7169203331-01` });

describe('tracing over OTLP/HTTP', () => {
  let receiver: OtlpReceiver;
  let server: ServerProcess;
  let url: string;
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-tracing-'));

  beforeAll(async () => {
    receiver = await OtlpReceiver.start();
    server = new ServerProcess({
      settings: {
        DATA_DIR: folder,
        DATABASE_URL: await postgres().freshDatabase(),
        REDIS_URL: await redisUrl(),
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        OTEL_TRACES_SAMPLER_ARG: '0',
      },
    });
    url = await server.ready();
  });
  afterAll(async () => {
    await server.stop();
    await receiver.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says that it is active', async () => {
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
      checks: { tracing: { status: 'active' } },
    });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('tidewatch_tracing_active 1\n');
  });

  it('continues the trace of a client through HTTP and Redis, and names the route', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await fetch(`${url}/api/v1/ops/redis/memory`, { headers: sampled(traceId) });
    const spans = await receiver.trace(traceId, 'GET /api/v1/ops/redis/memory', 'info');
    const http = spans.find(({ name }) => name.startsWith('GET '));
    const redis = spans.find(({ name }) => name === 'info');
    expect(http?.parentSpanId).toBe('b7ad6b7169203331');
    expect(redis?.parentSpanId).toBe(http?.spanId);
    expect([...receiver.paths]).toEqual(['POST /v1/traces']);
  });

  it('follows ticks from the request through store and analytics to the publication as one trace', async () => {
    await fetch(`${url}/api/v1/portfolios/P1`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'P1', currency: 'USD', positions: [{ symbol: 'AAPL', quantity: 2 }] }),
    });
    const traceId = '44444444444444444444444444444444';
    const response = await fetch(`${url}/api/v1/ingest/ticks`, {
      method: 'POST',
      headers: { ...sampled(traceId), 'content-type': 'application/json' },
      body: JSON.stringify({ ticks: [{ symbol: 'AAPL', ts: Date.now(), price: 101.5 }] }),
    });
    expect(await response.json()).toMatchObject({ accepted: 1 });
    const spans = await receiver.trace(
      traceId,
      'POST /api/v1/ingest/ticks',
      'store ticks',
      'ticks.stored',
      'analytics apply',
      'analytics publish',
      'publish analytics',
    );
    const parents = new Map(
      spans.map((span) => [span.name, spans.find((s) => s.spanId === span.parentSpanId)?.name]),
    );
    expect(Object.fromEntries(parents)).toMatchObject({
      'store ticks': 'POST /api/v1/ingest/ticks',
      'ticks.stored': 'store ticks',
      'analytics apply': 'ticks.stored',
      'analytics publish': 'analytics apply',
      'publish analytics': 'summary.ready',
    });
  });

  it('ties exemplars of latency to the trace', async () => {
    const traceId = '11111111111111111111111111111111';
    await fetch(`${url}/api/v1/ops/pool`, { headers: sampled(traceId) });
    const scrape = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text' } });
    expect(await scrape.text()).toMatch(
      new RegExp(
        `^tidewatch_http_request_duration_seconds_bucket\\{.*} \\d+ # \\{trace_id="${traceId}"} `,
        'm',
      ),
    );
  });

  it('records nothing that is not sampled, and nothing of collectors, scrapes and health checks', async () => {
    await fetch(`${url}/api/v1/ops/pool`);
    await fetch(`${url}/metrics`, { headers: sampled('22222222222222222222222222222222') });
    const last = '33333333333333333333333333333333';
    await fetch(`${url}/api/v1/ops/collectors`, { headers: sampled(last) });
    await receiver.trace(last, 'GET /api/v1/ops/collectors');
    const traces = new Set(receiver.spans.map(({ traceId }) => traceId[0]));
    expect([...traces].sort()).toEqual(['0', '1', '3', '4']);
  });
});

describe('tracing that cannot work', () => {
  it('is said aloud when the instrumentation was not loaded first', async () => {
    const app = await startApp({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' });
    try {
      const health = await (await fetch(`${app.baseUrl}/health`)).json();
      expect(health).toMatchObject({
        checks: { tracing: { status: 'inactive', reason: expect.stringMatching(/--import/) } },
      });
      expect(await (await fetch(`${app.baseUrl}/metrics`)).text()).toContain('tidewatch_tracing_active 0\n');
    } finally {
      await app.stop();
    }
  });
});
