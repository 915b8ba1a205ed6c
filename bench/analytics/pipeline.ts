import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { PostgresServer } from '../../src/embedded/postgres-server.js';
import { nodeOptions } from '../../src/node-options.js';
import { BenchMarket, type MarketSize } from './market.js';
import { percentile, row } from './measure.js';
import type { Reading, Request } from './pipeline-server.js';

const goalMs = 20;
/** Requests fall due by the clock, whatever became of those before. */
const requestEveryMs = 5;
const intervalMs = 100;
const topicsPerSocket = 200;
/** Longest wait for the server to be idle before the first measurement. */
const settleMs = 30_000;
/** Before each measurement, ms: the windows of a server that has just begun to get ticks grow several times, and its history fills. */
const warmUpMs = 12_000;

interface Scenario {
  readonly size: MarketSize;
  readonly followed: number;
  readonly rates: readonly number[];
}

const scenarios: readonly Scenario[] = [
  { size: { portfolios: 100, positions: 20, symbols: 500 }, followed: 100, rates: [1_000, 10_000, 50_000] },
  { size: { portfolios: 1_000, positions: 20, symbols: 5_000 }, followed: 1_000, rates: [1_000, 10_000] },
  {
    size: { portfolios: 10_000, positions: 20, symbols: 5_000 },
    followed: 100,
    rates: [1_000, 10_000, 50_000],
  },
];

/**
 * Ticks over HTTP into a server of its own process (parsed, validated, committed by PostgreSQL, applied, published), a
 * WebSocket client that follows portfolios, and the stamps in what it gets.
 */
export async function pipeline(seconds: number, only: string | undefined): Promise<void> {
  console.log(
    `\nTick accepted → published, whole server: HTTP requests every ${requestEveryMs} ms, ${seconds} s each, a summary at most ` +
      `every ${intervalMs} ms per portfolio`,
  );
  row(
    'portfolios (followed), ticks/s',
    'committed p50',
    'p99',
    'accepted → p50',
    'p99',
    'first byte → p50',
    'p99',
    'wait p50',
    'p99',
    'client p99',
    'messages/s',
    'CPU',
    'loop p99',
  );
  for (const scenario of scenarios) {
    if (only === undefined || scenario.size.portfolios === Number(only)) await inScenario(scenario, seconds);
  }
  console.log(
    'committed: first byte of the request → commit confirmed, which is when a tick is accepted: ingest answers then. Latencies:',
  );
  console.log(
    'the newest tick of a summary, accepted → published and first byte → published, without the wait: the time it was held',
  );
  console.log(
    'back only because the interval was not over. Client: with the wait, from the due time of the request to the client',
  );
}

async function inScenario({ size, followed, rates }: Scenario, seconds: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidewatch-bench-'));
  chmodSync(dataDir, 0o755);
  mkdirSync(join(dataDir, 'logs'));
  const postgres = await PostgresServer.prepare({ dataDir });
  await postgres.start();
  try {
    const market = new BenchMarket(size);
    const server = await BenchServer.start(postgres.url);
    await server.ask({ load: size });
    await server.post(market.symbols.map((_, symbol) => market.tick(Date.now(), symbol)));
    await server.settled();
    const followers = await server.follow(market.books.slice(0, followed).map(({ id }) => id));
    for (const rate of rates)
      await measure(server, market, followers, rate, seconds, `${size.portfolios} (${followed})`);
    followers.close();
    await server.stop();
    if (size.portfolios >= 10_000) await restart(postgres.url);
  } finally {
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** What a start takes over the store as the measurement has left it. */
async function restart(url: string): Promise<void> {
  const server = await BenchServer.start(url);
  const { rebuildMs, rebuildTicks, points } = await server.ask('read');
  console.log(
    `restart: ${(rebuildMs / 1_000).toFixed(1)} s for ${rebuildTicks.toLocaleString('en')} ticks, ` +
      `${points.toLocaleString('en')} points in the windows`,
  );
  await server.stop();
}

interface Hops {
  readonly source_ms: number | null;
  readonly ingested_ms: number | null;
  readonly stored_ms: number | null;
  readonly computed_ms: number;
  readonly due_ms?: number;
  readonly published_ms: number;
}

async function measure(
  server: BenchServer,
  market: BenchMarket,
  followers: Followers,
  rate: number,
  seconds: number,
  name: string,
): Promise<void> {
  const perRequest = Math.round((rate * requestEveryMs) / 1_000);
  const start = performance.now();
  const end = start + warmUpMs + seconds * 1_000;
  const requests: Promise<void>[] = [];
  let measuring = false;
  let before = await server.ask('read');
  for (let n = 0; ; n++) {
    const due = start + n * requestEveryMs;
    if (due > end) break;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    if (!measuring && due > start + warmUpMs) {
      measuring = true;
      followers.begin();
      before = await server.ask('read');
    }
    const dueMs = Math.floor(performance.timeOrigin + due);
    requests.push(server.post(Array.from({ length: perRequest }, () => market.tick(dueMs))));
  }
  const { hops, received } = followers.end();
  const after = await server.ask('read');
  await Promise.all(requests);
  await sleep(300);
  const ticked = hops.filter(({ ingested_ms }) => ingested_ms !== null);
  const waits = ticked.map(({ computed_ms, due_ms = computed_ms }) => due_ms - computed_ms);
  const committed = ticked.map(({ ingested_ms, stored_ms }) => stored_ms! - ingested_ms!);
  const latencies = ticked.map(({ ingested_ms, published_ms }, i) => published_ms - ingested_ms! - waits[i]!);
  const fromAccepted = ticked.map(({ stored_ms, published_ms }, i) => published_ms - stored_ms! - waits[i]!);
  const ms = (list: readonly number[], q: number): string => `${percentile(list, q).toFixed(0)} ms`;
  row(
    `${name}, ${rate.toLocaleString('en')}`,
    ms(committed, 0.5),
    ms(committed, 0.99),
    ms(fromAccepted, 0.5),
    ms(fromAccepted, 0.99),
    ms(latencies, 0.5),
    ms(latencies, 0.99),
    ms(waits, 0.5),
    ms(waits, 0.99),
    ms(received, 0.99),
    Math.round(hops.length / seconds).toLocaleString('en'),
    `${((after.cpuMs - before.cpuMs) / seconds / 10).toFixed(0)} %`,
    `${after.loopP99Ms.toFixed(0)} ms`,
  );
  const applied = ticked.map(({ stored_ms, computed_ms }) => computed_ms - stored_ms!);
  const sent = ticked.map(({ due_ms, computed_ms, published_ms }) => published_ms - (due_ms ?? computed_ms));
  console.log(
    `  p99 of the hops: committed → computed ${ms(applied, 0.99)}, due → published ${ms(sent, 0.99)}; garbage collection ` +
      `${(after.gcMs / seconds / 10).toFixed(1)} %, longest ${after.gcMaxMs.toFixed(0)} ms; loop held ${after.loopMaxMs.toFixed(0)} ms`,
  );
  if (rate === 10_000) {
    const judged = (list: readonly number[]): string => {
      const p99 = percentile(list, 0.99);
      return `${p99.toFixed(0)} ms (${p99 < goalMs ? 'reached' : 'MISSED'})`;
    };
    console.log(
      `  p99 below ${goalMs} ms: accepted → published ${judged(fromAccepted)}, first byte → published ${judged(latencies)}`,
    );
  }
}

class BenchServer {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 32 });

  private constructor(
    private readonly child: ChildProcess,
    private readonly port: number,
  ) {}

  static async start(databaseUrl: string): Promise<BenchServer> {
    const child = fork(fileURLToPath(new URL('./pipeline-server.js', import.meta.url)), {
      execArgv: [...nodeOptions()],
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: databaseUrl,
        REDIS_URL: '',
        ANALYTICS_PUBLISH_MS: String(intervalMs),
      },
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the server has not started')));
    const [{ port }] = (await Promise.race([once(child, 'message'), ended])) as [{ port: number }];
    // Its end is waited for where it is ended.
    ended.catch(() => undefined);
    return new BenchServer(child, port);
  }

  /** Until what the portfolios were created with is done: their first summaries, and their histories looked for. */
  async settled(): Promise<void> {
    for (const end = performance.now() + settleMs; performance.now() < end; await sleep(250)) {
      if ((await this.ask('read')).idle) return;
    }
    console.log(`  not idle ${settleMs / 1_000} s after the portfolios were created`);
  }

  async ask(request: Request): Promise<Reading> {
    this.child.send(request);
    const [reading] = (await once(this.child, 'message')) as [Reading];
    return reading;
  }

  post(ticks: readonly { symbol: string; tsMs: number; price: number }[]): Promise<void> {
    const body = ticks
      .map(({ symbol, tsMs, price }) => `{"symbol":"${symbol}","ts":${tsMs},"price":${price}}\n`)
      .join('');
    return new Promise((done, failed) => {
      const sent = request({
        agent: this.agent,
        host: '127.0.0.1',
        port: this.port,
        path: '/api/v1/ingest/ticks',
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', 'content-length': Buffer.byteLength(body) },
      });
      sent.once('error', failed);
      sent.once('response', (response) => {
        if (response.statusCode !== 200) failed(new Error(`ingest answered ${response.statusCode}`));
        response.resume().once('end', done);
      });
      sent.end(body);
    });
  }

  async follow(portfolioIds: readonly string[]): Promise<Followers> {
    const followers = new Followers();
    for (let from = 0; from < portfolioIds.length; from += topicsPerSocket) {
      const socket = new WebSocket(`ws://127.0.0.1:${this.port}/ws/stream`, { perMessageDeflate: false });
      await once(socket, 'open');
      await followers.join(socket, portfolioIds.slice(from, from + topicsPerSocket));
    }
    return followers;
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    const exited = once(this.child, 'exit');
    this.child.send('stop' satisfies Request);
    await exited;
  }
}

/** Clients of many topics; what is measured is in the messages. */
class Followers {
  private hops: Hops[] = [];
  private received: number[] = [];
  private measuring = false;
  /** When the newest state of each topic was computed. */
  private readonly computed = new Map<string, number>();

  private readonly sockets: WebSocket[] = [];

  async join(socket: WebSocket, portfolioIds: readonly string[]): Promise<void> {
    this.sockets.push(socket);
    let joined = 0;
    const all = new Promise<void>((done, failed) =>
      socket.on('message', (data: Buffer) => {
        const text = data.toString('latin1');
        if (text.startsWith('{"type":"message"')) this.message(text);
        else if (text.startsWith('{"type":"error"')) failed(new Error(text));
        else if (++joined === portfolioIds.length) done();
      }),
    );
    portfolioIds.forEach((id, i) => {
      socket.send(JSON.stringify({ type: 'subscribe', id: i, topic: `analytics.${id}`, policy: 'all' }));
    });
    await all;
  }

  begin(): void {
    this.hops = [];
    this.received = [];
    this.measuring = true;
  }

  end(): { hops: Hops[]; received: number[] } {
    this.measuring = false;
    return { hops: this.hops, received: this.received };
  }

  close(): void {
    for (const socket of this.sockets) socket.close();
  }

  private message(text: string): void {
    const at = text.lastIndexOf('"hops":') + 7;
    const hops = JSON.parse(text.slice(at, text.indexOf('}', at) + 1)) as Hops;
    // Told once more, with newer results of calculators: no tick has waited for it.
    const topic = text.slice(0, text.indexOf(',"offset"'));
    if (this.computed.get(topic) === hops.computed_ms) return;
    this.computed.set(topic, hops.computed_ms);
    if (!this.measuring) return;
    this.hops.push(hops);
    if (hops.source_ms !== null)
      this.received.push(performance.timeOrigin + performance.now() - hops.source_ms);
  }
}
