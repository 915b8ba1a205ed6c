import { chmodSync, createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import pg from 'pg';
import type { MetricPoint } from '../../src/domain/metric-point.js';
import type { Tick } from '../../src/domain/tick.js';
import { BenchProcess } from './bench-process.js';
import { line, median, rate, spread } from './figures.js';
import { hasPsql, psqlCopy } from './psql.js';

const required = 0.6;
const mb = 2 ** 20;

export interface HttpSectionOptions {
  readonly ticks: readonly Tick[];
  readonly points: readonly MetricPoint[];
  readonly rounds: number;
}

/** A server of its own for a part of the benchmark. */
async function withServer(
  work: (server: BenchProcess, url: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-http-'));
  chmodSync(folder, 0o755);
  const server = new BenchProcess(join(folder, 'data'));
  try {
    await work(server, await server.ready(), folder);
  } finally {
    await server.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resident memory of the server during one long upload. */
export function uploadSection(megabytes: number): Promise<void> {
  return withServer((server, url) => watchUpload(server, url, megabytes));
}

/** The whole server, one NDJSON upload at a time, against `psql COPY csv` into the same table of the same database. */
export function httpSection(options: HttpSectionOptions): Promise<void> {
  return withServer(async (server, url, folder) => {
    await compare(server, url, folder, options.rounds, {
      table: 'ticks',
      path: '/api/v1/ingest/ticks',
      columns: 'ticks (seq, symbol, ts, price, size, source_id)',
      count: options.ticks.length,
      ndjson: options.ticks.map(({ symbol, tsMs, price, size }) =>
        JSON.stringify({ symbol, ts: tsMs, price, size }),
      ),
      csv: options.ticks.map(
        ({ symbol, tsMs, price, size }, i) =>
          `${i + 1},${symbol},${new Date(tsMs).toISOString()},${price},${size ?? ''},`,
      ),
    });
    await makePortfolios(url, options.points);
    await compare(server, url, folder, options.rounds, {
      table: 'analytics_metrics',
      path: '/api/v1/ingest/metrics',
      columns: 'analytics_metrics (portfolio_id, metric_type, value, "timestamp", metadata)',
      count: options.points.length,
      ndjson: options.points.map((p) => {
        const head = {
          portfolio_id: p.portfolioId,
          metric_type: p.metricType,
          value: p.value,
          timestamp: p.tsMs,
        };
        return p.metadata === null
          ? JSON.stringify(head)
          : `${JSON.stringify(head).slice(0, -1)},"metadata":${p.metadata}}`;
      }),
      csv: options.points.map(
        (p) =>
          `${p.portfolioId},${p.metricType},${p.value},${new Date(p.tsMs).toISOString()},${p.metadata === null ? '' : `"${p.metadata.replaceAll('"', '""')}"`}`,
      ),
    });
  });
}

/** Metrics of portfolios that do not exist are refused. */
async function makePortfolios(url: string, points: readonly MetricPoint[]): Promise<void> {
  for (const id of new Set(points.map((p) => p.portfolioId))) {
    const response = await fetch(`${url}/api/v1/portfolios/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: id, currency: 'USD', positions: [] }),
    });
    if (!response.ok) throw new Error(`PUT answered ${response.status}`);
  }
}

interface Upload {
  readonly table: string;
  readonly path: string;
  readonly columns: string;
  readonly count: number;
  readonly ndjson: readonly string[];
  readonly csv: readonly string[];
}

async function compare(
  server: BenchProcess,
  url: string,
  folder: string,
  rounds: number,
  { table, path, columns, count, ndjson, csv }: Upload,
): Promise<void> {
  console.log(`\n${table} over HTTP as NDJSON: ${count.toLocaleString('en')} rows, ${rounds} rounds in turn`);
  const [lines, rows] = [join(folder, `${table}.ndjson`), join(folder, `${table}.csv`)];
  writeFileSync(lines, `${ndjson.join('\n')}\n`);
  writeFileSync(rows, `${csv.join('\n')}\n`);
  const peer = hasPsql();
  if (!peer) console.log('  missing: psql');
  const database = new pg.Client({ connectionString: server.databaseUrl });
  await database.connect();
  const [ours, theirs, cpu, ratios]: number[][] = [[], [], [], []];
  try {
    // Makes the partitions and warms the server up.
    await post(`${url}${path}`, createReadStream(lines));
    for (let round = 0; round < rounds; round++) {
      await database.query(`TRUNCATE ${table}`);
      await database.query('CHECKPOINT');
      const cpuBefore = server.cpuSeconds;
      const started = performance.now();
      const answer = await post(`${url}${path}`, createReadStream(lines));
      const seconds = (performance.now() - started) / 1000;
      if (answer.accepted !== count) throw new Error(`${JSON.stringify(answer)} for ${count} rows`);
      cpu!.push(((server.cpuSeconds - cpuBefore) / count) * 1e6);
      ours!.push(count / seconds);
      if (!peer) continue;
      await database.query(`TRUNCATE ${table}`);
      await database.query('CHECKPOINT');
      theirs!.push((count / psqlCopy(server.databaseUrl, columns, rows)) * 1000);
      ratios!.push(ours!.at(-1)! / theirs!.at(-1)!);
    }
    await database.query(`TRUNCATE ${table}`);
  } finally {
    await database.end();
  }
  line('over HTTP', `${rate(median(ours!))}  (spread ${spread(ours!)})`);
  line('CPU of the server process per row', `${median(cpu!).toFixed(2)} µs`);
  if (peer) {
    line('psql COPY csv', `${rate(median(theirs!))}  (spread ${spread(theirs!)})`);
    const ratio = median(ratios!);
    line(`HTTP / psql, median of the rounds (required ≥ ${required})`, ratio.toFixed(2), ratio >= required);
  }
}

interface Answer {
  readonly accepted?: number;
}

function post(url: string, body: Readable): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as Answer);
        else reject(new Error(`${response.statusCode}: ${text}`));
      });
    });
    body.pipe(outgoing);
  });
}

/** Resident memory over a long upload: flat, not growing with what has been sent. */
async function watchUpload(server: BenchProcess, url: string, megabytes: number): Promise<void> {
  console.log(`\none upload of ${megabytes} MB of NDJSON`);
  const t0 = Date.now() - 3_600_000;
  let sent = 0;
  let next = 0;
  const samples: { readonly sent: number; readonly rss: number }[] = [];
  const body = Readable.from(
    (function* () {
      while (sent < megabytes * mb) {
        let block = '';
        for (let i = 0; i < 1_000; i++, next++) {
          block += `{"symbol":"S${next % 500}","ts":${t0 + (next >> 3)},"price":${100 + (next % 997) / 10},"size":${next % 100}}\n`;
        }
        sent += block.length;
        yield block;
      }
    })(),
  );
  const before = server.rss;
  const timer = setInterval(() => samples.push({ sent, rss: server.rss }), 100);
  const started = performance.now();
  try {
    const answer = await post(`${url}/api/v1/ingest/ticks`, body);
    if (answer.accepted !== next) throw new Error(`${JSON.stringify(answer)} for ${next} rows`);
  } finally {
    clearInterval(timer);
  }
  const of = (from: number, to: number): number => {
    const part = samples.filter((s) => s.sent >= from * sent && s.sent <= to * sent).map((s) => s.rss);
    return part.length === 0 ? Number.NaN : median(part);
  };
  const [early, late] = [of(0.2, 0.5), of(0.7, 1)];
  line('rows per second', rate(next / ((performance.now() - started) / 1000)));
  line(
    'resident before, peak',
    `${Math.round(before / mb)} MB, ${Math.round(Math.max(...samples.map((s) => s.rss)) / mb)} MB`,
  );
  line(
    'median between 20 % and 50 %, and from 70 % on',
    `${Math.round(early / mb)} MB, ${Math.round(late / mb)} MB`,
    late < early * 1.15,
  );
}
