import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pointParser, tickParser } from '../src/ingest/body-format.js';
import { IngestMeter } from '../src/ingest/ingest-meter.js';
import { IngestReport } from '../src/ingest/ingest-report.js';
import { IngestRun } from '../src/ingest/ingest-run.js';
import type { PushParser } from '../src/ingest/parse/push-parser.js';
import { RowBatch } from '../src/ingest/parse/row-batch.js';
import { decodedBody } from '../src/ingest/request-body.js';
import { RowBudget } from '../src/ingest/row-budget.js';
import { UploadKey } from '../src/ingest/upload-key.js';
import { Metrics } from '../src/observability/metrics.js';
import { type Body, makeBodies } from './ingest/bodies.js';
import { findPeers } from './ingest/peers.js';

const usage = `npm run bench -- ingest [options]
  --rows N      rows per body (default 200000)
  --rounds N    rounds of each; the best is printed (default 5)
What the door costs without a database: parsing and checking by format, against what else reads the same bytes, and the
whole way of an upload with compression and Idempotency-Key. The way into the database is measured by: -- store http`;

const chunkSize = 64 * 1024;

/** Parsers against their peers, then uploads into a store that takes everything at once. */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', default: '200000' },
      rounds: { type: 'string', default: '5' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const rounds = Number(values.rounds);
  const bodies = makeBodies(Number(values.rows));
  const { peers, missing } = await findPeers();
  console.log('parse and validate (peers only parse)');
  for (const body of bodies) {
    const ours = best(rounds, () => parse(body));
    print(body.name, body, ours);
    for (const peer of peers.filter((p) => p.reads(body))) {
      const theirs = best(rounds, () => peer.read(body));
      print(`  ${peer.name}`, body, theirs, `${(theirs / ours).toFixed(1)} x our time`);
    }
  }
  for (const name of missing) console.log(`  peer not installed: ${name}`);
  console.log('\nupload, into a store that commits at once');
  const body = bodies[0] as Body;
  const plain = await bestOf(rounds, () => upload(body, body.bytes));
  print('as it is', body, plain);
  const ways: [string, Buffer, string | undefined, boolean][] = [
    ['with Idempotency-Key', body.bytes, undefined, true],
    ['gzip', gzipSync(body.bytes), 'gzip', false],
    ['zstd', zstdCompressSync(body.bytes), 'zstd', false],
  ];
  for (const [name, bytes, encoding, keyed] of ways) {
    const time = await bestOf(rounds, () => upload(body, bytes, encoding, keyed));
    print(name, body, time, `${(time / plain).toFixed(2)} x`);
  }
}

/** @returns rows read */
function parse(body: Body): number {
  const parser: PushParser<unknown> =
    body.kind === 'ticks' ? tickParser(body.format) : pointParser(body.format, 'ns', Date.now);
  let rows = 0;
  for (let from = 0; from < body.bytes.length; from += chunkSize) {
    const batch = new RowBatch<unknown>();
    parser.push(body.bytes.subarray(from, from + chunkSize), batch);
    rows += batch.rows.length;
  }
  const last = new RowBatch<unknown>();
  parser.end(last);
  return rows + last.rows.length;
}

async function upload(body: Body, bytes: Buffer, encoding?: string, keyed = false): Promise<number> {
  const report = new IngestReport();
  const key = new UploadKey(body.format, { stored: [], statement: () => '' });
  const ingest = new IngestRun({
    lane: {
      kind: 'ticks',
      meter: new IngestMeter(new Metrics(), 'ticks'),
      append: async (rows) => ({ stored: rows.length, duplicates: 0, rejected: [] }),
    },
    parser: tickParser(body.format),
    budget: new RowBudget(200_000),
    report,
    bytesRead: { inc: () => undefined },
    key: keyed ? key : undefined,
    isStopping: () => false,
  });
  const source = Readable.from(chunksOf(bytes), { objectMode: false });
  await ingest.consume(decodedBody(source, encoding, undefined, Number.POSITIVE_INFINITY));
  return report.accepted;
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += chunkSize) yield bytes.subarray(from, from + chunkSize);
}

/** Shortest time, ms. */
function best(rounds: number, work: () => number): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    if (work() === 0) throw new Error('nothing was read');
    shortest = Math.min(shortest, performance.now() - began);
  }
  return shortest;
}

async function bestOf(rounds: number, work: () => Promise<number>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    await sleep(1);
    const began = performance.now();
    if ((await work()) === 0) throw new Error('nothing was stored');
    shortest = Math.min(shortest, performance.now() - began);
  }
  return shortest;
}

function print(name: string, body: Body, ms: number, note = ''): void {
  const perRow = `${((ms * 1e6) / body.rows).toFixed(0)} ns/row`;
  const rate = `${Math.round(body.rows / ms).toLocaleString('en')} k rows/s`;
  const bytes = `${(body.bytes.length / 1e3 / ms).toFixed(0)} MB/s`;
  console.log(
    `  ${name.padEnd(38)} ${perRow.padStart(12)} ${rate.padStart(16)} ${bytes.padStart(10)}  ${note}`.trimEnd(),
  );
}
