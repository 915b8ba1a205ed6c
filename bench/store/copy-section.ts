import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MetricPoint } from '../../src/domain/metric-point.js';
import type { Tick } from '../../src/domain/tick.js';
import type { BenchStore } from './bench-store.js';
import { line, median, rate, spread } from './figures.js';
import { hasPsql, psqlCopy } from './psql.js';

/** Rows of one append and appends under way, as a bulk import has them. */
const rowsPerAppend = 5_000;
const appendsInFlight = 4;
const required = 0.85;

export interface CopySectionOptions {
  readonly ticks: readonly Tick[];
  readonly points: readonly MetricPoint[];
  readonly rounds: number;
}

/** The in-process writer against `psql COPY csv`: the same rows, the same table with all its indexes, the same server. */
export async function copySection(
  store: BenchStore,
  url: string,
  options: CopySectionOptions,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-copy-'));
  try {
    await compare(store, url, join(folder, 'ticks.csv'), options.rounds, {
      name: 'ticks',
      rows: options.ticks,
      columns: 'ticks (seq, symbol, ts, price, size, source_id)',
      csv: ({ symbol, tsMs, price, size }, i) =>
        `${i + 1},${symbol},${new Date(tsMs).toISOString()},${price},${size ?? ''},`,
      append: (rows) => store.ticks.append(rows),
    });
    await compare(store, url, join(folder, 'metrics.csv'), options.rounds, {
      name: 'analytics_metrics',
      rows: options.points,
      columns: 'analytics_metrics (portfolio_id, metric_type, value, "timestamp", metadata)',
      csv: (p) =>
        `${p.portfolioId},${p.metricType},${p.value},${new Date(p.tsMs).toISOString()},${p.metadata === null ? '' : `"${p.metadata.replaceAll('"', '""')}"`}`,
      append: (rows) => store.points.append(rows),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Subject<Row> {
  readonly name: 'ticks' | 'analytics_metrics';
  readonly rows: readonly Row[];
  readonly columns: string;
  readonly csv: (row: Row, index: number) => string;
  readonly append: (rows: readonly Row[]) => Promise<{ readonly stored: number }>;
}

async function compare<Row>(
  store: BenchStore,
  url: string,
  file: string,
  rounds: number,
  subject: Subject<Row>,
): Promise<void> {
  const { name, rows } = subject;
  const peer = hasPsql();
  console.log(`\n${name}: ${rows.length.toLocaleString('en')} rows, ${rounds} rounds in turn`);
  if (peer) writeFileSync(file, `${rows.map(subject.csv).join('\n')}\n`);
  else console.log('  missing: psql');
  // The partitions are made before anything is timed.
  await subject.append(rows.slice(0, 1));
  await subject.append(rows.slice(-1));
  const [ours, theirs, cpu, ratios]: number[][] = [[], [], [], []];
  for (let round = 0; round < rounds; round++) {
    await reset(store, name);
    const cpuBefore = process.cpuUsage();
    const seconds = await appendAll(subject);
    const { user, system } = process.cpuUsage(cpuBefore);
    cpu!.push((user + system) / rows.length);
    ours!.push(rows.length / seconds);
    if (!peer) continue;
    await reset(store, name);
    theirs!.push((rows.length / psqlCopy(url, subject.columns, file)) * 1000);
    ratios!.push(ours!.at(-1)! / theirs!.at(-1)!);
  }
  line('in-process writer', `${rate(median(ours!))}  (spread ${spread(ours!)})`);
  line('Node CPU per row', `${median(cpu!).toFixed(2)} µs`);
  if (peer) {
    line('psql COPY csv', `${rate(median(theirs!))}  (spread ${spread(theirs!)})`);
    const ratio = median(ratios!);
    line(`writer / psql, median of the rounds (required ≥ ${required})`, ratio.toFixed(2), ratio >= required);
  }
  await reset(store, name);
}

async function reset({ database }: BenchStore, table: string): Promise<void> {
  await database.maintenance.query(`TRUNCATE ${table}`);
  if (database.dialect === 'native') await database.maintenance.query('TRUNCATE rollup_dirty');
  await database.maintenance.query('CHECKPOINT').catch(() => undefined);
}

async function appendAll<Row>({ rows, append }: Subject<Row>): Promise<number> {
  const started = performance.now();
  let next = 0;
  let stored = 0;
  const lane = async (): Promise<void> => {
    while (next < rows.length) {
      const from = next;
      next += rowsPerAppend;
      const result = await append(rows.slice(from, from + rowsPerAppend));
      stored += result.stored;
    }
  };
  await Promise.all(Array.from({ length: appendsInFlight }, lane));
  if (stored !== rows.length) throw new Error(`${stored} of ${rows.length} rows were stored`);
  return (performance.now() - started) / 1000;
}
