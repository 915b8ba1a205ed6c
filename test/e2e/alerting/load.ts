import WebSocket from 'ws';
import { BarRepository, type DailyBar } from '../../../src/store/bar.repository.js';
import type { TestApp } from '../../harness/index.js';

/** A little of everything that Tidewatch does, until stopped: so that no metric has a reason to be silent. */
export interface Load {
  stop(): Promise<void>;
}

const symbols = ['AAA', 'BBB', 'CCC'];
/** Enough for VaR and for its rolling backtest. */
const historyDays = 600;

/** Daily closes that move like prices, the same in every run. */
function dailyBars(): DailyBar[] {
  const today = Math.floor(Date.now() / 86_400_000);
  return symbols.flatMap((symbol, i) => {
    let close = 100 + 10 * i;
    return Array.from({ length: historyDays }, (_, n) => {
      close *= 1 + 0.01 * Math.sin(n * 12.9898 + i * 78.233) + 0.005 * Math.cos(n * 4.1414);
      return { symbol, day: today - historyDays + n, close };
    });
  });
}

/** @throws Error for anything but success: a load that fails proves nothing */
async function read(answer: Response): Promise<string> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${text}`);
  return text;
}

async function comeAndGo(url: string): Promise<void> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.close(1000);
  await closed;
}

export async function startLoad(app: TestApp): Promise<Load> {
  const post = (path: string, body: unknown) =>
    fetch(`${app.baseUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).then(read);
  const get = (path: string) => fetch(`${app.baseUrl}${path}`).then(read);
  await app.app.get(BarRepository).upsert(dailyBars());
  await fetch(`${app.baseUrl}/api/v1/portfolios/LOAD`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'Load',
      currency: 'USD',
      positions: symbols.map((symbol, i) => ({ symbol, quantity: 10 * (i + 1) })),
    }),
  });
  await post('/api/v1/risk/portfolio/LOAD/limits', {
    limit_type: 'var_fraction',
    threshold_value: 0.9,
    warning_threshold: 0.8,
  });
  const socket = new WebSocket(`${app.wsUrl}/ws/stream`);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  for (const [id, topic] of ['analytics.LOAD', 'risk.LOAD', 'prices.AAA', 'custom.test'].entries()) {
    socket.send(JSON.stringify({ type: 'subscribe', id, topic, policy: 'all' }));
  }
  const returns = Array.from({ length: 300 }, (_, i) => Math.sin(i * 12.9898) * 0.02);
  let running = true;
  const beat = async () => {
    for (let n = 0; running; n++) {
      const ts = Date.now();
      await Promise.all([
        post('/api/v1/ingest/ticks', {
          ticks: symbols.map((symbol, i) => ({ symbol, ts, price: 100 + 10 * i + Math.sin(n / 5 + i) })),
        }),
        // One row of two is wrong, and refused by itself.
        post('/api/v1/ingest/ticks', {
          ticks: [
            { symbol: 'CCC', ts, price: -1 },
            { symbol: 'CCC', ts: ts + 1, price: 120 },
          ],
        }),
        post('/api/v1/risk/portfolio/LOAD/what-if', { orders: [{ symbol: 'AAA', quantity: 1 }] }),
        comeAndGo(`${app.wsUrl}/ws/stream`),
        post('/api/v1/ingest/metrics', {
          points: [{ portfolio_id: 'LOAD', metric_type: 'test', value: n, timestamp: ts }],
        }),
        post('/api/v1/publish', { messages: [{ topic: 'custom.test', data: { n } }] }),
        get('/api/v1/analytics/portfolio/LOAD/summary'),
        get(`/api/v1/analytics/portfolio/LOAD/history?metric=test&from=${ts - 3_600_000}&to=${ts}`),
        get(`/api/v1/ticks?symbol=AAA&from=${ts - 3_600_000}&to=${ts}`),
        get('/api/v1/portfolios'),
        get('/api/v1/ops/targets'),
        post('/api/v1/risk/var', {
          returns: { AAA: returns.map((value) => value * (1 + n / 1000)) },
          weights: { AAA: 1 },
          method: 'historical',
          confidence: 0.99,
        }),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const done = beat();
  return {
    stop: async () => {
      running = false;
      await done;
      socket.close();
    },
  };
}
