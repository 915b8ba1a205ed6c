import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { DataDir } from '../../src/embedded/data-dir.js';
import { PostgresServer } from '../../src/embedded/postgres-server.js';
import { discover, shippedFolder } from '../../src/observability/collection/discovery.js';
import { pin, ServerUnderTest, ticksPerRequest } from './server-under-test.js';

export interface OnOffOptions {
  /** Starts of the two servers: what one start happens to compile and lay out differently must not decide. */
  readonly starts: number;
  /** Pairs per start; each is twenty pieces of some milliseconds for either server, in turn. */
  readonly pairs: number;
  readonly subscribers: number;
  /** What the watched server has; with none of it, it is the bare one, and what remains is the noise of the method. */
  readonly parts: ReadonlySet<Part>;
}

export const parts = ['metrics', 'traces', 'collectors', 'scrapes'] as const;
export type Part = (typeof parts)[number];

/** Ten times as often as usual, so that scrapes weigh more than they ever will. */
const scrapeEveryMs = 1_500;
/**
 * So short that a neighbour of this machine slows both of two pieces or none; so many that a pair has its share of what
 * is rare: sampled traces, scrapes, garbage.
 */
const piecesPerPair = 20;
const messagesPerPiece = 500;

type Path = 'ingest' | 'broadcast';
/** CPU of one pair, ms. */
interface Pair {
  readonly watched: number;
  readonly bare: number;
}
type Results = Readonly<Record<Path, Pair[]>>;

/**
 * CPU of the very same work, watched (metrics, all collectors, traces, scrapes) and not. Two servers stand side by
 * side on one core, the database and the clients on the other; pieces of work go to them in turn, and each pair of
 * pieces gives a ratio.
 */
export async function onOff(options: OnOffOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-bench-'));
  // The embedded database may run as another user, who has to get there.
  chmodSync(folder, 0o755);
  const pinned = availableParallelism() > 1 && pin(process.pid, 1);
  const dataDir = new DataDir(join(folder, 'data'));
  const postgres = await PostgresServer.prepare({ dataDir: dataDir.path });
  const receiver = createServer(
    (request, response) => void request.resume().on('end', () => response.end('{}')),
  );
  receiver.listen(0, '127.0.0.1');
  const off = join(folder, 'collectors-off.yml');
  writeFileSync(off, await allCollectorsOff());
  const results: Results = { ingest: [], broadcast: [] };
  try {
    await postgres.start();
    const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const server = async (database: string, has: ReadonlySet<Part>) =>
      ServerUnderTest.start(
        has.has('metrics') ? 'watched' : 'bare',
        {
          PATH: process.env.PATH ?? '',
          DATA_DIR: folder,
          DATABASE_URL: await freshDatabase(postgres.url, database),
          DEMO: 'off',
          LOG_LEVEL: 'silent',
          ...(has.has('collectors') ? {} : { COLLECTORS_CONFIG: off }),
          ...(has.has('traces') ? { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } : {}),
        },
        pinned ? 0 : null,
      );
    for (let start = 0; start < options.starts; start++) {
      const pair = {
        bare: await server(`bare_${start}`, new Set()),
        watched: await server(`watched_${start}`, options.parts),
      };
      await measure(pair, options, results);
    }
  } finally {
    await postgres.stop();
    receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
  report(results, options, pinned);
}

async function measure(
  servers: Readonly<Record<keyof Pair, ServerUnderTest>>,
  { subscribers, pairs, parts: has }: OnOffOptions,
  results: Results,
): Promise<void> {
  const scrape = () => void servers.watched.scrape().catch(() => {});
  const scrapes = has.has('scrapes') ? setInterval(scrape, scrapeEveryMs) : undefined;
  try {
    for (const server of Object.values(servers)) await server.subscribe(subscribers);
    // The first pairs warm up: compiled code, open connections, the first partitions.
    for (let pair = -2; pair < pairs; pair++) {
      for (const path of ['ingest', 'broadcast'] as const) {
        const taken = await interleaved(servers, path);
        if (pair >= 0) results[path].push(taken);
      }
    }
  } finally {
    clearInterval(scrapes);
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  }
}

async function interleaved(
  servers: Readonly<Record<keyof Pair, ServerUnderTest>>,
  path: Path,
): Promise<Pair> {
  const taken = { watched: 0, bare: 0 };
  for (let piece = 0; piece < piecesPerPair; piece++) {
    const order = piece % 2 === 0 ? (['bare', 'watched'] as const) : (['watched', 'bare'] as const);
    for (const side of order) {
      const server = servers[side];
      taken[side] += await (path === 'ingest' ? server.ingest() : server.broadcast(messagesPerPiece));
    }
  }
  return taken;
}

async function freshDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const fresh = new URL(url);
  fresh.pathname = name;
  return fresh.href;
}

async function allCollectorsOff(): Promise<string> {
  const { found } = await discover({
    folders: [{ path: shippedFolder, origin: 'shipped' }],
    packagesFrom: [],
  });
  return found.map(({ definition }) => `${definition.manifest.name}: { enabled: false }\n`).join('');
}

function report(results: Results, options: OnOffOptions, pinned: boolean): void {
  const what =
    options.parts.size === 0
      ? 'bare over bare: the noise of the method'
      : `watched (${[...options.parts].join(', ')}) over bare (goal ≤ 3 %)`;
  console.log(`CPU of the server, ${what}; ${pinned ? 'pinned cores' : 'cores not pinned'}`);
  const units = {
    ingest: piecesPerPair * ticksPerRequest,
    broadcast: piecesPerPair * messagesPerPiece * options.subscribers,
  };
  const names = {
    ingest: `ingest, requests of ${ticksPerRequest} ticks`,
    broadcast: `broadcast to ${options.subscribers} clients`,
  };
  for (const path of ['ingest', 'broadcast'] as const) {
    const pairs = results[path];
    const ratios = pairs.map(({ watched, bare }) => watched / bare - 1).sort((a, b) => a - b);
    const at = (q: number) => ratios[Math.round(q * (ratios.length - 1))] as number;
    const total = (side: keyof Pair) => pairs.reduce((sum, pair) => sum + pair[side], 0);
    const each = (side: keyof Pair) => ((total(side) / pairs.length / units[path]) * 1e6).toFixed(0);
    const percent = (ratio: number) => `${ratio < 0 ? '−' : '+'}${Math.abs(ratio * 100).toFixed(1)} %`;
    console.log(
      `  ${names[path].padEnd(36)} median of ${pairs.length} pairs ${percent(at(0.5)).padStart(7)}` +
        `   quartiles ${percent(at(0.25))} … ${percent(at(0.75))}` +
        `   together ${percent(total('watched') / total('bare') - 1)}` +
        `   ${each('watched')} against ${each('bare')} ns each`,
    );
  }
}
