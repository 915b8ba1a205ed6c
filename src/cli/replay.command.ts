import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import type { Tick } from '../domain/tick.js';
import { configOf } from './command.js';
import type { FileSummary } from './feed/file-summary.js';
import { parseSpeed } from './feed/replay-clock.js';
import type { RowFile } from './feed/row-file.js';
import type { SentCounts } from './feed/row-sender.js';

interface ReplayCommandOptions {
  speed: number;
  live?: boolean;
  portfolio?: string;
  quantity: number;
  url?: string;
}

export function register(program: Command): void {
  program
    .command('replay <file>')
    .description(
      'send recorded ticks to a running server as they happened: CSV with a header, NDJSON; also .gz and .zst',
    )
    .option('--speed <speed>', 'max, or times the original speed', speed, 1)
    .option('--live', 'stamp each tick with the time it is sent at, not with the recorded one')
    .option('--portfolio <id>', 'create or replace a portfolio that holds every symbol of the file')
    .option('--quantity <units>', 'units of each symbol in that portfolio', Number, 100)
    .option('--url <url>', 'the running server; default: that of the settings')
    .action(run);
}

function speed(text: string): number {
  const parsed = parseSpeed(text);
  if (parsed === undefined) throw new InvalidArgumentError('It is to be max or a number above 0.');
  return parsed;
}

async function run(path: string, options: ReplayCommandOptions, command: Command): Promise<void> {
  const { RowFile } = await import('./feed/row-file.js');
  const { serverUrl, requireServer } = await import('./feed/server-url.js');
  const url = serverUrl(configOf(command), options.url);
  const file = await RowFile.open(path, 'ticks');
  await requireServer(url);
  if (options.portfolio !== undefined) await createPortfolio(url, options.portfolio, options.quantity, file);
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  await feed(file, url, options, interrupt.signal);
}

async function createPortfolio(url: string, id: string, quantity: number, file: RowFile): Promise<void> {
  const { FileSummary } = await import('./feed/file-summary.js');
  const { StartupError } = await import('../startup-error.js');
  const summary = new FileSummary();
  for await (const batch of file.batches<Tick>()) summary.add(batch);
  const positions = [...summary.names.keys()].sort().map((symbol) => ({ symbol, quantity }));
  const response = await fetch(`${url}/api/v1/portfolios/${encodeURIComponent(id)}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: `Replay of ${file.path.split('/').at(-1)}`, currency: 'USD', positions }),
  });
  if (!response.ok)
    throw new StartupError(`the portfolio was refused: ${(await response.text()).slice(0, 300)}`);
  console.log(`portfolio  ${id} holds ${quantity} of ${positions.length} symbols`);
}

async function feed(
  file: RowFile,
  url: string,
  options: ReplayCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const { RowSender } = await import('./feed/row-sender.js');
  const { FileSummary } = await import('./feed/file-summary.js');
  const { ProgressBar } = await import('./feed/progress-bar.js');
  const { replay } = await import('./feed/replay.js');
  const bar = new ProgressBar(process.stderr);
  const summary = new FileSummary();
  const sender = new RowSender({
    url,
    kind: 'ticks',
    keyPrefix: `replay-${randomUUID()}`,
    signal,
    onRetry: (reason) => bar.print(`${reason}; trying again`),
    onRejected: (code, message) => summary.reject([{ code, message }]),
  });
  const { counts } = sender;
  const began = performance.now();
  const rate = (): number => Math.round((counts.sent / (performance.now() - began)) * 1_000);
  const number = (n: number): string => n.toLocaleString('en');
  try {
    await replay(ticksOf(file, summary), {
      speed: options.speed,
      live: options.live ?? false,
      signal,
      send: async (ticks) => {
        await sender.send(ticks);
        const at = new Date(ticks.at(-1)!.tsMs).toISOString().slice(0, 19);
        bar.show(
          file.bytesRead / file.size,
          () => `${at}  ${number(counts.sent)} ticks  ${number(rate())}/s`,
        );
      },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    bar.print('interrupted');
    process.exitCode = 130;
  } finally {
    bar.clear();
    report(counts, summary, (performance.now() - began) / 1_000, rate());
  }
}

async function* ticksOf(file: RowFile, summary: FileSummary): AsyncGenerator<readonly Tick[]> {
  for await (const batch of file.batches<Tick>()) {
    summary.add(batch);
    yield batch.rows;
  }
}

function report(counts: SentCounts, summary: FileSummary, seconds: number, rate: number): void {
  const number = (n: number): string => n.toLocaleString('en');
  for (const line of summary.lines('symbols')) console.log(line);
  const known = counts.duplicates > 0 ? `, ${number(counts.duplicates)} duplicates` : '';
  const retried = counts.retries > 0 ? `, ${counts.retries} requests repeated` : '';
  console.log(
    `sent       ${number(counts.sent)} ticks in ${seconds.toFixed(1)} s (${number(rate)}/s)${retried}`,
  );
  console.log(`stored     ${number(counts.accepted)}${known}`);
}
