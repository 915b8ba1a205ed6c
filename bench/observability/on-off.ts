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
import type { ServerMode } from './watched-server.js';

export interface OnOffOptions {
  /** Starts of the server: what one start happens to compile and lay out differently must not decide. */
  readonly starts: number;
  /** Rounds of every path per start. */
  readonly rounds: number;
  readonly subscribers: number;
  /** How long the idle servers are watched, ms. */
  readonly idleMs: number;
}

/** What is usual, and ten times as often. */
const scrapeEverySeconds = [15, 1.5] as const;
const scrapes = 20;
const requestsPerPiece = 5;
const messagesPerPiece = 200;
const warmUpRounds = 25;
/** The share of requests that is recorded unless `OTEL_TRACES_SAMPLER_ARG` says otherwise. */
const sampleRatio = 0.01;

/** `again` is as bare as `off`: what differs between the two is the noise of the method. */
const levels = ['off', 'again', 'metrics', 'recorded'] as const;
type Column = (typeof levels)[number];
const paths = ['ingest', 'broadcast'] as const;
type Path = (typeof paths)[number];
/** CPU of one round's pieces, ms. */
type Round = Readonly<Record<Column, number>>;
/** Of every start. */
type Rounds = Readonly<Record<Path, Round[][]>>;

/**
 * CPU of the very same work, watched and not, in one process: two equal processes differ by some percent, each time
 * otherwise, which is more than is to be measured. All that watches a request on its way is switched off and on between
 * pieces of some milliseconds, in random order within a round, so that what slows the machine slows all of a round. What
 * does not depend on work (collectors, scrapes) is the CPU of an idle server over that of a bare one.
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
  const rounds: Rounds = { ingest: [], broadcast: [] };
  const idle: Idle[] = [];
  let databases = 0;
  try {
    await postgres.start();
    const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const traced = {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_TRACES_SAMPLER_ARG: String(sampleRatio),
    };
    const server = async (mode: ServerMode) =>
      ServerUnderTest.start(
        mode,
        {
          PATH: process.env.PATH ?? '',
          DATA_DIR: folder,
          DATABASE_URL: await freshDatabase(postgres.url, `bench_${databases++}`),
          DEMO: 'off',
          LOG_LEVEL: 'silent',
          ...(mode === 'watched' ? {} : { COLLECTORS_CONFIG: off }),
          ...(mode === 'bare' ? {} : traced),
        },
        pinned ? 0 : null,
      );
    for (let start = 0; start < options.starts; start++) {
      const switched = await server('switched');
      try {
        await switched.subscribe(options.subscribers);
        for (const path of paths) rounds[path].push(await measure(switched, path, options.rounds));
      } finally {
        await switched.stop();
      }
      const [bare, full] = [await server('bare'), await server('watched')];
      try {
        idle.push(await idleCost(bare, full, options.idleMs));
      } finally {
        await Promise.all([bare.stop(), full.stop()]);
      }
    }
  } finally {
    await postgres.stop();
    receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
  report(rounds, idle, options, pinned);
}

async function measure(server: ServerUnderTest, path: Path, count: number): Promise<Round[]> {
  const out: Round[] = [];
  // The first rounds warm up: compiled code, open connections, the first partitions.
  for (let round = -warmUpRounds; round < count; round++) {
    const taken = { off: 0, again: 0, metrics: 0, recorded: 0 };
    for (const level of shuffled(levels)) {
      await server.watch(level === 'again' ? 'off' : level);
      taken[level] = await (path === 'ingest'
        ? server.ingest(requestsPerPiece)
        : server.broadcast(messagesPerPiece));
    }
    if (round >= 0) out.push(taken);
  }
  return out;
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
async function idleCost(bare: ServerUnderTest, full: ServerUnderTest, idleMs: number): Promise<Idle> {
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

/** Over the mean of the two bare pieces of the round. */
const over = (round: Round, column: Column): number => round[column] / ((round.off + round.again) / 2) - 1;
/** As in production: that share of the requests is recorded. */
const usual = (round: Round): number =>
  (1 - sampleRatio) * over(round, 'metrics') + sampleRatio * over(round, 'recorded');

/** The median, and between what it lies with 95 % when rounds are drawn again and again. */
function withInterval(values: readonly number[]): string {
  const draws = Array.from({ length: 1_000 }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)] as number)),
  ).sort((a, b) => a - b);
  return `${percent(median(values))} [${percent(quantile(draws, 0.025))}, ${percent(quantile(draws, 0.975))}]`;
}

/** By totals: with what the garbage of either costs, wherever it is collected. */
function byTotals(rounds: readonly Round[], column: Column): number {
  const total = (of: Column) => rounds.reduce((sum, round) => sum + round[of], 0);
  return total(column) / ((total('off') + total('again')) / 2) - 1;
}

function report(rounds: Rounds, idle: readonly Idle[], options: OnOffOptions, pinned: boolean): void {
  const collectors = median(idle.map((one) => one.collectors));
  const scrape = median(idle.map((one) => one.scrape));
  const where = pinned ? 'pinned cores' : 'cores not pinned';
  console.log(
    `CPU of the server, watched over not (goal ≤ 3 %); ${options.starts} starts of ${options.rounds} rounds, ${where}`,
  );
  for (const path of paths) {
    const all = rounds[path].flat();
    const work =
      path === 'ingest'
        ? `${requestsPerPiece} requests of ${ticksPerRequest} ticks`
        : `${messagesPerPiece} messages to ${options.subscribers} clients`;
    const bareMs = median(all.map((round) => (round.off + round.again) / 2));
    console.log(`  ${path}: ${work}, ${bareMs.toFixed(1)} ms`);
    console.log(`    with 1 % recorded ${withInterval(all.map(usual))}`);
    for (const column of ['again', 'metrics', 'recorded'] as const) {
      const ratios = all.map((round) =>
        column === 'again' ? round.again / round.off - 1 : over(round, column),
      );
      const totals = column === 'again' ? '' : `; by totals ${percent(byTotals(all, column))}`;
      console.log(`    ${column.padEnd(9)} ${withInterval(ratios)}${totals}`);
    }
    console.log(`    per start ${rounds[path].map((one) => percent(median(one.map(usual)))).join(', ')}`);
  }
  const fixed = scrapeEverySeconds.map((every) => `every ${every} s ${percent(collectors + scrape / every)}`);
  console.log(
    `  at any load, of a core: collectors ${percent(collectors)} (${idle.map((one) => percent(one.collectors)).join(', ')}), ` +
      `a scrape ${(scrape * 1000).toFixed(1)} ms; both, scraped ${fixed.join(', ')}`,
  );
}
