import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataDir } from '../../src/embedded/data-dir.js';
import { PostgresServer } from '../../src/embedded/postgres-server.js';
import { discover, shippedFolder } from '../../src/observability/collection/discovery.js';
import type { Answer, Request } from './watched-server.js';

export interface OnOffOptions {
  readonly pairs: number;
  readonly ticks: number;
  readonly messages: number;
  readonly subscribers: number;
}

const ticksPerRequest = 5_000;
const scrapeEveryMs = 1_000;

interface Figures {
  readonly ingestMs: number;
  readonly broadcastMs: number;
}

/** CPU of the very same work, watched (metrics, collectors, traces, scrapes) and not, in processes of their own. */
export async function onOff(options: OnOffOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-bench-'));
  // The embedded database may run as another user, who has to get there.
  chmodSync(folder, 0o755);
  const dataDir = new DataDir(join(folder, 'data'));
  const postgres = await PostgresServer.prepare({ dataDir: dataDir.path });
  const receiver = createServer(
    (request, response) => void request.resume().on('end', () => response.end('{}')),
  );
  receiver.listen(0, '127.0.0.1');
  const off = join(folder, 'collectors-off.yml');
  writeFileSync(off, await allCollectorsOff());
  try {
    await postgres.start();
    const environment = {
      PATH: process.env.PATH ?? '',
      DATA_DIR: dataDir.path,
      DATABASE_URL: postgres.url,
      DEMO: 'off',
      LOG_LEVEL: 'silent',
    };
    const on = {
      ...environment,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    };
    const bare = { ...environment, COLLECTORS_CONFIG: off };
    const results: { watched: Figures; bare: Figures }[] = [];
    for (let pair = 0; pair < options.pairs; pair++) {
      // In turn, so that a machine that gets slower or faster does not take sides.
      const order = pair % 2 === 0 ? (['bare', 'watched'] as const) : (['watched', 'bare'] as const);
      const figures: Partial<Record<'watched' | 'bare', Figures>> = {};
      for (const mode of order) figures[mode] = await measure(mode, mode === 'watched' ? on : bare, options);
      results.push(figures as { watched: Figures; bare: Figures });
    }
    report(results, options);
  } finally {
    await postgres.stop();
    receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  mode: 'watched' | 'bare',
  env: Readonly<Record<string, string>>,
  options: OnOffOptions,
): Promise<Figures> {
  const server = await Server.start(mode, env);
  const scrapes = mode === 'watched' ? setInterval(() => void server.scrape(), scrapeEveryMs) : undefined;
  try {
    // The first round warms up: compiled code, open connections, the first partitions.
    await ingest(server.url, options.ticks / 2);
    const before = await server.cpu();
    await ingest(server.url, options.ticks);
    const ingestMs = (await server.cpu()) - before;
    const sockets = await subscribe(server.url, options.subscribers);
    await server.publish(options.messages / 5);
    const broadcastMs = await server.publish(options.messages);
    for (const socket of sockets) socket.destroy();
    return { ingestMs, broadcastMs };
  } finally {
    clearInterval(scrapes);
    await server.stop();
  }
}

class Server {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(mode: string, env: Readonly<Record<string, string>>): Promise<Server> {
    const program = fileURLToPath(new URL('./watched-server.js', import.meta.url));
    const instrumentation = fileURLToPath(new URL('../../src/instrumentation.js', import.meta.url));
    const child = fork(program, [mode], { env, execArgv: ['--import', instrumentation], silent: false });
    const [{ url }] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the server ended at its start'))),
    ])) as [{ url: string }];
    return new Server(child, url);
  }

  cpu = (): Promise<number> => this.ask({ ask: 'cpu' });
  publish = (messages: number): Promise<number> => this.ask({ ask: 'publish', messages });

  async scrape(): Promise<void> {
    await (await fetch(`${this.url}/metrics`)).text();
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }

  private async ask(request: Request): Promise<number> {
    this.child.send(request);
    const [{ cpuMs }] = (await once(this.child, 'message')) as [Answer];
    return cpuMs;
  }
}

async function ingest(url: string, ticks: number): Promise<void> {
  const start = Date.now() - ticks;
  for (let sent = 0; sent < ticks; sent += ticksPerRequest) {
    const rows: string[] = [];
    for (let i = sent; i < sent + ticksPerRequest; i++) {
      rows.push(
        `{"symbol":"S${i % 50}","ts":${start + i},"price":${100 + (i % 100) / 10},"size":${1 + (i % 9)}}`,
      );
    }
    const response = await fetch(`${url}/api/v1/ingest/ticks`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: rows.join('\n'),
    });
    if (!response.ok) throw new Error(`ingest answered ${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
  }
}

/** Raw sockets that subscribe and then only drain: the clients' own parsing stays out of the picture. */
async function subscribe(url: string, count: number): Promise<Socket[]> {
  const { hostname, port } = new URL(url);
  const text = Buffer.from('{"type":"subscribe","topic":"custom.bench"}');
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(
        `GET /ws/stream HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
      await once(socket, 'data');
      socket.write(frame);
      await once(socket, 'data');
      socket.on('error', () => {});
      return socket.resume();
    }),
  );
}

async function allCollectorsOff(): Promise<string> {
  const { found } = await discover({
    folders: [{ path: shippedFolder, origin: 'shipped' }],
    packagesFrom: [],
  });
  return found.map(({ definition }) => `${definition.manifest.name}: { enabled: false }\n`).join('');
}

function report(results: readonly { watched: Figures; bare: Figures }[], options: OnOffOptions): void {
  const rows: readonly (readonly [keyof Figures, string, number])[] = [
    ['ingestMs', `ingest of ${options.ticks} ticks`, options.ticks],
    [
      'broadcastMs',
      `${options.messages} messages to ${options.subscribers} clients`,
      options.messages * options.subscribers,
    ],
  ];
  console.log(
    `CPU of the server, watched (metrics, collectors, traces at 5 %, a scrape a second) over bare; ${results.length} pairs (goal ≤ 3 %)`,
  );
  for (const [key, what, units] of rows) {
    const ratios = results.map(({ watched, bare }) => watched[key] / bare[key] - 1).sort((a, b) => a - b);
    const best = (mode: 'watched' | 'bare') => Math.min(...results.map((pair) => pair[mode][key]));
    const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`;
    console.log(
      `  ${what.padEnd(36)} median ${percent(ratios[ratios.length >> 1] as number).padStart(7)}` +
        `   best over best ${percent(best('watched') / best('bare') - 1).padStart(7)}` +
        `   pairs ${ratios.map(percent).join(', ')}` +
        `   ${((best('watched') / units) * 1e6).toFixed(0)} against ${((best('bare') / units) * 1e6).toFixed(0)} ns each`,
    );
  }
}
