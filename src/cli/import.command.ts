import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { MetricPoint } from '../domain/metric-point.js';
import type { Tick } from '../domain/tick.js';
import { configOf } from './command.js';
import type { FileSummary } from './feed/file-summary.js';
import type { RowFile } from './feed/row-file.js';

interface ImportOptions {
  metrics?: boolean;
  dryRun?: boolean;
  again?: boolean;
  url?: string;
}

type Row = Tick | MetricPoint;

/** Some rows were rejected; those that were not are stored (in a dry run: would be). 1 is a failure as a whole. */
const exitWhenRejected = 2;

/** Rows per request: one transaction each. */
const rowsPerRequest = 5_000;

export function register(program: Command): void {
  program
    .command('import <file>')
    .description(
      'store a file of ticks or metrics: CSV with a header, NDJSON, JSON, line protocol; also .gz and .zst',
    )
    .option('--metrics', 'the rows are metric points, not ticks')
    .option('--dry-run', 'read all of it, say what is in it and what is wrong, store nothing')
    .option('--again', 'store it although the same file was imported in the last day')
    .option('--url <url>', 'the running server; default: that of the settings')
    .action(run);
}

async function run(path: string, options: ImportOptions, command: Command): Promise<void> {
  const { RowFile } = await import('./feed/row-file.js');
  const { previewLines } = await import('./feed/preview.js');
  const { serverUrl, requireServer } = await import('./feed/server-url.js');
  const url = serverUrl(configOf(command), options.url);
  const file = await RowFile.open(path, options.metrics ? 'metrics' : 'ticks');
  for (const line of await previewLines(file)) console.log(line);
  if (!options.dryRun) await requireServer(url);
  const summary = await feed(file, options.dryRun ? null : url, options.again ?? false);
  if (summary.rejected > 0) process.exitCode = exitWhenRejected;
}

async function feed(file: RowFile, url: string | null, again: boolean): Promise<FileSummary> {
  const { RowSender } = await import('./feed/row-sender.js');
  const { FileSummary } = await import('./feed/file-summary.js');
  const { ProgressBar } = await import('./feed/progress-bar.js');
  const summary = new FileSummary();
  const bar = new ProgressBar(process.stderr);
  const sender =
    url === null
      ? null
      : new RowSender({
          url,
          kind: file.kind,
          // The same file, the same keys: what is stored already is not stored again.
          keyPrefix: `import-${again ? randomUUID() : (await file.digest()).slice(0, 40)}`,
          onRetry: (reason) => bar.print(`${reason}; trying again`),
          onRejected: (code, message) => summary.reject([{ code, message }]),
        });
  const began = performance.now();
  let pending: Row[] = [];
  for await (const batch of file.batches<Row>()) {
    summary.add(batch);
    bar.show(file.bytesRead / file.size, () => `${summary.rows.toLocaleString('en')} rows`);
    if (sender === null) continue;
    pending.push(...batch.rows);
    while (pending.length >= rowsPerRequest) {
      await sender.send(pending.slice(0, rowsPerRequest));
      pending = pending.slice(rowsPerRequest);
    }
  }
  await sender?.send(pending);
  bar.clear();
  for (const line of summary.lines(file.kind === 'ticks' ? 'symbols' : 'portfolios')) console.log(line);
  if (sender === null) {
    console.log('dry run: nothing was stored');
  } else {
    const { accepted, duplicates, sent, replayed } = sender.counts;
    const seconds = (performance.now() - began) / 1_000;
    const number = (n: number): string => n.toLocaleString('en');
    const known = duplicates > 0 ? `, ${number(duplicates)} known by their id` : '';
    const before =
      replayed > 0 ? `, ${number(replayed)} already stored by an earlier import of this file` : '';
    console.log(
      `stored     ${number(accepted)} rows${known}${before}, in ${seconds.toFixed(1)} s (${number(Math.round(sent / seconds))} rows/s)`,
    );
  }
  return summary;
}
