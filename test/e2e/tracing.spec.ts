import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { postgres, redisUrl, startApp } from '../harness/index.js';
import { OtlpReceiver, type ReceivedSpan } from '../harness/otlp-receiver.js';
import { ServerProcess } from '../harness/server-process.js';

const sampled = (traceId: string) => ({ traceparent: `00-${traceId}-b7ad6b7169203331-01` });

describe('tracing over OTLP/HTTP', () => {
  let receiver: OtlpReceiver;
  let server: ServerProcess;
  let url: string;
  let database: string;
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-tracing-'));

  beforeAll(async () => {
    receiver = await OtlpReceiver.start();
    database = await postgres().freshDatabase();
    server = new ServerProcess({
      settings: {
        DATA_DIR: folder,
        DATABASE_URL: database,
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

  /** Names of the spans of a trace, each with the name of its parent. */
  const parentsOf = (spans: readonly ReceivedSpan[]) =>
    Object.fromEntries(
      spans.map((span) => [span.name, spans.find((s) => s.spanId === span.parentSpanId)?.name]),
    );
  /** From the store's commit to the topics, whichever way the ticks came in. */
  const hops = {
    'ticks.stored': 'store ticks',
    'analytics apply': 'ticks.stored',
    'analytics publish': 'analytics apply',
    'publish analytics': 'summary.ready',
    'risk update': expect.stringMatching(/portfolio\.revalued|analytics apply/),
    'publish risk': 'risk.ready',
  };

  it('follows ticks from the request through store, analytics and risk to the publications as one trace', async () => {
    const client = new pg.Client(database);
    await client.connect();
    await client.query(
      `INSERT INTO daily_bars (symbol, day, close, close_adj)
       SELECT 'AAPL', DATE '2025-01-01' + i, p, p
       FROM generate_series(1, 300) i, LATERAL (SELECT 100 + 5 * sin(i) AS p) x`,
    );
    await client.end();
    await fetch(`${url}/api/v1/portfolios/P1`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'P1', currency: 'USD', positions: [{ symbol: 'AAPL', quantity: 2 }] }),
    });
    const post = (headers: Record<string, string>, price: number) =>
      fetch(`${url}/api/v1/ingest/ticks`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ ticks: [{ symbol: 'AAPL', ts: Date.now(), price }] }),
      });
    // With the first price the live risk of the portfolio can be built.
    await post({}, 100);
    const risk = async () => (await fetch(`${url}/api/v1/risk/portfolio/P1/var`)).status;
    for (let i = 0; i < 100 && (await risk()) !== 200; i++) await sleep(50);
    await sleep(300);
    const traceId = '44444444444444444444444444444444';
    expect(await (await post(sampled(traceId), 101.5)).json()).toMatchObject({ accepted: 1 });
    const spans = await receiver.trace(
      traceId,
      'POST /api/v1/ingest/ticks',
      'store ticks',
      ...Object.keys(hops),
    );
    expect(parentsOf(spans)).toMatchObject({ 'store ticks': 'POST /api/v1/ingest/ticks', ...hops });
    // The statements of the commit, by pg's own instrumentation.
    const statements = spans.filter(({ attributes }) => attributes.some(({ key }) => key.startsWith('db.')));
    expect(statements.map(({ kind }) => kind)).toContain(3);
    const root = spans.find(({ name }) => name === 'POST /api/v1/ingest/ticks');
    expect(root?.attributes).toContainEqual({ key: 'http.response.status_code', value: { intValue: 200 } });
  });

  it('goes on with the trace of every message that a WebSocket client sends', async () => {
    const trace = (digit: string) => sampled(digit.repeat(32)).traceparent;
    const open = async (path: string) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`);
      await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
      return socket;
    };
    const [stream, ingest] = [await open('/ws/stream'), await open('/ws/ingest')];
    const say = (socket: WebSocket, message: object) => socket.send(JSON.stringify(message));
    const topic = 'analytics.P1';
    say(stream, { type: 'subscribe', id: 1, topic, traceparent: trace('5') });
    say(ingest, {
      type: 'ticks',
      id: 2,
      ticks: [{ symbol: 'AAPL', ts: Date.now(), price: 102 }],
      traceparent: trace('6'),
    });
    await receiver.trace('5'.repeat(32), 'ws subscribe');
    const spans = await receiver.trace('6'.repeat(32), 'ws ticks', 'store ticks', ...Object.keys(hops));
    expect(parentsOf(spans)).toMatchObject({ 'store ticks': 'ws ticks', ...hops });
    say(stream, { type: 'unsubscribe', id: 3, topic, traceparent: trace('7') });
    await receiver.trace('7'.repeat(32), 'ws unsubscribe');
    stream.close();
    ingest.close();
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

  it('writes the trace into the log, in which every module is as talkative as one says at run time', async () => {
    const change = async (body: object, headers: Record<string, string> = {}) =>
      (
        await fetch(`${url}/api/v1/ops/log-levels`, {
          method: 'PATCH',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).status;
    const traceId = '88888888888888888888888888888888';
    expect(await change({ module: 'http', level: 'debug' }, sampled(traceId))).toBe(200);
    // The module that writes down these changes itself falls silent.
    expect(await change({ module: 'log', level: 'silent' })).toBe(200);
    expect(await change({ module: 'store', level: 'warn' })).toBe(200);
    expect(await (await fetch(`${url}/api/v1/ops/log-levels`)).json()).toMatchObject({
      modules: { http: 'debug', log: 'silent', store: 'warn', risk: 'info' },
    });
    const lines = readFileSync(join(folder, 'logs', 'server.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"module":"log"'))
      .map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      expect.objectContaining({ for: 'http', to: 'debug', level: 30, trace_id: traceId }),
    ]);
    expect(await change({ module: 'nobody', level: 'info' })).toBe(404);
    expect(await change({ level: 'loud' })).toBe(422);
  });

  it('records nothing that is not sampled, and nothing of collectors, scrapes and health checks', async () => {
    await fetch(`${url}/api/v1/ops/pool`);
    await fetch(`${url}/metrics`, { headers: sampled('22222222222222222222222222222222') });
    const last = '33333333333333333333333333333333';
    await fetch(`${url}/api/v1/ops/collectors`, { headers: sampled(last) });
    await receiver.trace(last, 'GET /api/v1/ops/collectors');
    const traces = new Set(receiver.spans.map(({ traceId }) => traceId[0]));
    expect([...traces].sort()).toEqual(['0', '1', '3', '4', '5', '6', '7', '8']);
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
