import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DataDir } from '../../src/embedded/data-dir.js';
import { PostgresServer } from '../../src/embedded/postgres-server.js';
import { discover, shippedFolder } from '../../src/observability/collection/discovery.js';
import { pin, ServerUnderTest, ticksPerRequest } from './server-under-test.js';

export interface OnOffOptions {
  /** Starts of the servers: what one start happens to compile and lay out differently must not decide. */
  readonly starts: number;
  /** Pieces of work for each server per start. */
  readonly pieces: number;
  readonly subscribers: number;
  /** How long the idle servers are watched, ms. */
  readonly idleMs: number;
}

/** What is usual, and ten times as often. */
const scrapeEverySeconds = [15, 1.5] as const;
const scrapes = 10;
const messagesPerPiece = 500;
/** The share of requests that is recorded unless `OTEL_TRACES_SAMPLER_ARG` says otherwise. */
const sampleRatio = 0.05;

/**
 * `again` is as bare as `bare`: what differs between the two is the noise of the method. `metrics` has metrics and
 * tracing that records nothing, `recorded` records every request, `full` has collectors and is scraped.
 */
const modes = ['bare', 'again', 'metrics', 'recorded', 'full'] as const;
type Mode = (typeof modes)[number];
const measured = ['bare', 'again', 'metrics', 'recorded'] as const;
type Servers = Readonly<Record<Mode, ServerUnderTest>>;
type Path = 'ingest' | 'broadcast';
/** Over the mean of the two bare servers, one per start: the median over its rounds of pieces. */
type Ratios = Readonly<Record<Path, Record<Exclude<Mode, 'full'>, number[]>>>;

/**
 * CPU of the very same work, watched and not. Servers stand side by side on one core, the database and the clients on
 * the other; pieces of some milliseconds go to them in turn, so that what slows the machine slows all of a round, and
 * the median over the rounds is not moved by the few in which one of them collects its garbage. Two equal processes still
 * differ by some percent, each time otherwise: hence several starts. What does not depend on work (collectors, scrapes) is the CPU of an idle server.
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
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const off = join(folder, 'collectors-off.yml');
  writeFileSync(off, await allCollectorsOff());
  const ratios: Ratios = {
    ingest: { bare: [], again: [], metrics: [], recorded: [] },
    broadcast: { bare: [], again: [], metrics: [], recorded: [] },
  };
  const idle: Idle[] = [];
  try {
    await postgres.start();
    const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const server = async (mode: Mode, database: string) => {
      const bare = mode === 'bare' || mode === 'again';
      const recorded = mode === 'recorded' ? 1 : mode === 'full' ? sampleRatio : 0;
      return ServerUnderTest.start(
        bare ? 'bare' : 'watched',
        {
          PATH: process.env.PATH ?? '',
          DATA_DIR: folder,
          DATABASE_URL: await freshDatabase(postgres.url, database),
          DEMO: 'off',
          LOG_LEVEL: 'silent',
          ...(mode === 'full' ? {} : { COLLECTORS_CONFIG: off }),
          ...(bare
            ? {}
            : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: String(recorded) }),
        },
        pinned ? 0 : null,
      );
    };
    for (let start = 0; start < options.starts; start++) {
      const servers: Partial<Record<Mode, ServerUnderTest>> = {};
      for (const mode of shuffled(modes)) servers[mode] = await server(mode, `${mode}_${start}`);
      try {
        await measure(servers as Servers, options, ratios);
        idle.push(await idleCost(servers as Servers, options.idleMs));
      } finally {
        await Promise.all(Object.values(servers).map((one) => one.stop()));
      }
    }
  } finally {
    await postgres.stop();
    receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
  report(ratios, idle, options, pinned);
}

async function measure(servers: Servers, options: OnOffOptions, ratios: Ratios): Promise<void> {
  for (const mode of measured) await servers[mode].subscribe(options.subscribers);
  const work = {
    ingest: (server: ServerUnderTest) => server.ingest(),
    broadcast: (server: ServerUnderTest) => server.broadcast(messagesPerPiece),
  };
  for (const path of ['ingest', 'broadcast'] as const) {
    const rounds: Record<string, number[]> = Object.fromEntries(measured.map((mode) => [mode, []]));
    // The first rounds warm up: compiled code, open connections, the first partitions.
    for (let round = -30; round < options.pieces; round++) {
      const taken: Record<string, number> = {};
      for (const mode of shuffled(measured)) taken[mode] = await work[path](servers[mode]);
      if (round < 0) continue;
      const bare = ((taken.bare as number) + (taken.again as number)) / 2;
      for (const mode of measured) rounds[mode]?.push((taken[mode] as number) / bare - 1);
    }
    for (const mode of measured) ratios[path][mode].push(median(rounds[mode] as number[]));
  }
}

/** Any order as often as any other: whoever follows itself, or the same one each time, finds the caches warmer. */
function shuffled<T>(list: readonly T[]): readonly T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

interface Idle {
  /** What collectors and the timers of all that watches take of a core. */
  readonly collectors: number;
  /** CPU of one scrape, seconds. */
  readonly scrape: number;
}

/** What does not depend on work, in servers that have nothing else to do. */
async function idleCost({ bare, full }: Servers, idleMs: number): Promise<Idle> {
  for (let i = 0; i < scrapes; i++) await full.scrape();
  const cpus = async () => (await full.cpu()) - (await bare.cpu());
  const [before, start] = [await cpus(), performance.now()];
  await sleep(idleMs);
  const collectors = ((await cpus()) - before) / (performance.now() - start);
  const [quiet, scraping] = [await cpus(), performance.now()];
  for (let i = 0; i < scrapes; i++) {
    await full.scrape();
    await sleep(100);
  }
  const beside = collectors * (performance.now() - scraping);
  return { collectors, scrape: Math.max(0, (await cpus()) - quiet - beside) / scrapes / 1000 };
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

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.round(q * (sorted.length - 1))] as number;
const percent = (ratio: number): string => `${ratio < 0 ? '−' : '+'}${Math.abs(ratio * 100).toFixed(1)} %`;

const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean over the starts; ± 2 standard errors of it. */
function withError(values: readonly number[]): string {
  const average = mean(values);
  const variance = values.reduce((sum, v) => sum + (v - average) ** 2, 0) / Math.max(1, values.length - 1);
  return `${percent(average)} ± ${(200 * Math.sqrt(variance / values.length)).toFixed(1)}`;
}

function report(ratios: Ratios, idle: readonly Idle[], options: OnOffOptions, pinned: boolean): void {
  const collectors = median(idle.map((one) => one.collectors));
  const scrape = median(idle.map((one) => one.scrape));
  const fixed = scrapeEverySeconds.map((seconds) => collectors + scrape / seconds);
  const where = pinned ? 'pinned cores' : 'cores not pinned';
  console.log(`CPU of the server, watched over bare (goal ≤ 3 %); ${options.starts} starts, ${where}`);
  for (const path of ['ingest', 'broadcast'] as const) {
    const { metrics, recorded } = ratios[path];
    const usual = metrics.map(
      (ratio, i) => (1 - sampleRatio) * ratio + sampleRatio * (recorded[i] as number),
    );
    const what =
      path === 'ingest' ? `requests of ${ticksPerRequest} ticks` : `${options.subscribers} clients`;
    console.log(
      `  ${`${path}, ${what}`.padEnd(34)} ${withError(usual)} with 5 % recorded; with collectors and a scrape every ` +
        scrapeEverySeconds.map((s, i) => `${s} s ${percent(mean(usual) + (fixed[i] as number))}`).join(', ') +
        `\n    ${measured.map((mode) => `${mode} ${withError(ratios[path][mode])}`).join(', ')}` +
        `\n    per start: ${usual.map(percent).join(', ')}`,
    );
  }
  console.log(
    `  idle: collectors ${percent(collectors)} of a core (${idle.map((one) => percent(one.collectors)).join(', ')}), ` +
      `a scrape ${(scrape * 1000).toFixed(1)} ms`,
  );
}
