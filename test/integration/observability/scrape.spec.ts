import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { parse } from 'yaml';
import { declaredMetrics } from '../../harness/declared-metrics.js';
import { goldenLines } from '../../harness/golden-scrape.js';
import { postgres, redisUrl, startApp, type TestApp } from '../../harness/index.js';

const goldenFile = 'test/golden/scrape.txt';

describe('a scrape of the whole server at work', () => {
  let server: TestApp;
  let text: string;

  const send = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${server.baseUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
    return answer;
  };

  beforeAll(async () => {
    const url = await postgres().freshDatabase();
    const client = new pg.Client(url);
    await client.connect();
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    await client.end();
    server = await startApp({ DATABASE_URL: url });
    const socket = new WebSocket(`${server.wsUrl}/ws/stream`);
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    socket.send('{"type":"subscribe","topic":"analytics.P1"}');
    await send('PUT', '/api/v1/portfolios/P1', {
      name: 'P1',
      currency: 'USD',
      positions: [{ symbol: 'AAPL', quantity: 2 }],
    });
    for (const collector of ['process', 'redis-memory', 'postgres-statements']) {
      await send('PATCH', `/api/v1/ops/collectors/${collector}`, { interval_seconds: 1 });
    }
    for (let i = 0; i < 40; i++) {
      const ts = Date.now() - 1_000 + i;
      await send('POST', '/api/v1/ingest/ticks', { ticks: [{ symbol: 'AAPL', ts, price: 100 + i }] });
    }
    await send('GET', '/api/v1/analytics/portfolio/P1/summary');
    await send('POST', '/api/v1/risk/var', {
      returns: { AAPL: Array.from({ length: 60 }, (_, i) => Math.sin(i) / 100) },
      weights: { AAPL: 1 },
      method: 'historical',
      confidence: 0.95,
      horizon_days: 1,
    });
    await fetch(`${server.baseUrl}/metrics`);
    // The hit ratio is of the look-ups between two runs of its collector: there are some between any two.
    const redis = new Redis(await redisUrl());
    const lookups = setInterval(() => void redis.get('none'), 200);
    await new Promise((resolve) => setTimeout(resolve, 6_500));
    clearInterval(lookups);
    redis.disconnect();
    text = await (await fetch(`${server.baseUrl}/metrics`)).text();
    socket.close();
  });
  afterAll(() => server.stop());

  it('has nothing that promtool finds fault with', () => {
    const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], { input: text });
    if (error) throw error;
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });

  it('has no metric that is not declared, and each as declared', async () => {
    const declared = await declaredMetrics();
    for (const line of goldenLines(text)) {
      const [name = '', type, ...labels] = line.split(' ');
      const spec = declared.get(name);
      expect([name, spec?.type, ...Object.keys(spec?.labels ?? {}).sort()]).toEqual([name, type, ...labels]);
    }
  });

  it('still has everything that the golden scrape has (UPDATE_GOLDEN=1 takes this one for the next)', () => {
    const lines = goldenLines(text);
    if (process.env.UPDATE_GOLDEN) writeFileSync(goldenFile, `${lines.join('\n')}\n`);
    const seen = new Set(lines);
    const golden = readFileSync(goldenFile, 'utf8').trimEnd().split('\n');
    expect(golden.filter((line) => !seen.has(line))).toEqual([]);
  });

  it('leaves nothing out that is declared, but for a reason (test/golden/absent-metrics.yml)', async () => {
    const absent = parse(readFileSync('test/golden/absent-metrics.yml', 'utf8')) as Record<string, string>;
    const golden = readFileSync(goldenFile, 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[0]);
    const declared = [...(await declaredMetrics()).keys()];
    expect(declared.filter((name) => !golden.includes(name)).sort()).toEqual(Object.keys(absent).sort());
  });
});
