import { describe, expect, it } from '@jest/globals';
import { FakeLane } from '../../test/harness/fake-lane.js';
import { unavailable } from '../domain/problem.js';
import type { Tick } from '../domain/tick.js';
import { type IngestAnswer, IngestReport } from './ingest-report.js';
import { blockBytes, IngestRun, type IngestRunOptions } from './ingest-run.js';
import { JsonDocumentParser } from './parse/json-document-parser.js';
import { NdjsonParser } from './parse/ndjson-parser.js';
import { TickRows } from './parse/tick-row.js';
import { RowBudget } from './row-budget.js';
import { UploadKey, type UploadPart } from './upload-key.js';

const line = (i: number): string =>
  `{"symbol":"SPY","ts":${1_381_154_400_000 + i},"price":168.5,"size":${i}}\n`;
const lines = (count: number): string => Array.from({ length: count }, (_, i) => line(i)).join('');

async function* chunks(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const keyed = (stored: readonly UploadPart[] = []): UploadKey =>
  new UploadKey('ndjson', {
    stored,
    statement: (part) => JSON.stringify({ ...part, digest: Buffer.from(part.digest).toString('hex') }),
  });

interface Setup extends Partial<IngestRunOptions<Tick>> {
  lane?: FakeLane<Tick>;
  chunkSize?: number;
}

async function upload(text: string, setup: Setup = {}): Promise<{ answer: IngestAnswer; budget: RowBudget }> {
  const report = new IngestReport();
  const lane = setup.lane ?? new FakeLane<Tick>();
  const budget = setup.budget ?? new RowBudget(200_000);
  const run = new IngestRun<Tick>({
    parser: new NdjsonParser(new TickRows()),
    bytesRead: { inc: () => undefined },
    isStopping: () => false,
    ...setup,
    lane,
    budget,
    report,
  });
  await run.consume(chunks(text, setup.chunkSize ?? 64 * 1024));
  return { answer: report.answer(), budget };
}

describe('an upload', () => {
  it('of less than a block is one append, and so one transaction', async () => {
    const lane = new FakeLane<Tick>();
    const { answer, budget } = await upload(lines(5_000), { lane, chunkSize: 1_000 });
    expect(answer).toEqual({ accepted: 5_000, duplicates: 0, rejected: [], rejected_total: 0 });
    expect(lane.batches).toHaveLength(1);
    expect([budget.rows, budget.bytes, budget.isDraining]).toEqual([0, 0, false]);
  });

  it('of many blocks keeps the order and gives every row to the lane once', async () => {
    const lane = new FakeLane<Tick>({ commitMs: 1 });
    const { answer, budget } = await upload(lines(60_000), { lane, chunkSize: 70_001 });
    expect(answer.accepted).toBe(60_000);
    expect(lane.rows.map((r) => r.size)).toEqual(Array.from({ length: 60_000 }, (_, i) => i));
    expect([budget.rows, budget.bytes, budget.isDraining]).toEqual([0, 0, false]);
  });

  it('is stored in the same parts however the network cuts it', async () => {
    const parts = async (chunkSize: number): Promise<unknown> => {
      const lane = new FakeLane<Tick>();
      await upload(lines(30_000), { lane, chunkSize, key: keyed() });
      return lane.batches.map(({ rows, options }) => [rows, options.alongside]);
    };
    const first = await parts(65_536);
    expect(first).toEqual(await parts(1_777));
    expect(first).toEqual(await parts(10_000_000));
  });

  it('that is repeated after a failure stores only what is missing', async () => {
    const lane = new FakeLane<Tick>({
      failure: (n) => (n === 3 ? unavailable('DATABASE_UNAVAILABLE', 'Away.', 2) : undefined),
    });
    await expect(upload(lines(40_000), { lane, key: keyed() })).rejects.toMatchObject({ status: 503 });
    expect(lane.rows.length).toBeGreaterThan(0);
    const again = keyed(lane.parts());
    const { answer, budget } = await upload(lines(40_000), { lane, key: again, chunkSize: 1_000 });
    expect(answer.accepted).toBe(40_000);
    expect(lane.rows.map((r) => r.size).sort((a, b) => a! - b!)).toEqual(
      Array.from({ length: 40_000 }, (_, i) => i),
    );
    expect([budget.rows, budget.bytes, budget.isDraining]).toEqual([0, 0, false]);
  });

  it('reports wrong lines and lines that the database refuses by their position', async () => {
    const lane = new FakeLane<Tick>({ refuses: (tick) => tick.size === 3 });
    const { answer } = await upload(`${line(0)}oops\n${line(2)}${line(3)}{}\n`, { lane });
    expect(answer).toMatchObject({ accepted: 2, rejected_total: 3 });
    expect(answer.rejected.map((r) => [r.index, r.code])).toEqual([
      [1, 'MALFORMED_ROW'],
      [3, 'DATABASE_REFUSED'],
      [4, 'MISSING_FIELD'],
    ]);
  });

  it('lists a thousand rejections and counts the rest', async () => {
    const { answer } = await upload('x\n'.repeat(5_000));
    expect(answer.rejected).toHaveLength(1_000);
    expect(answer.rejected_total).toBe(5_000);
  });

  it('stores nothing of a short body that is malformed at its end', async () => {
    const lane = new FakeLane<Tick>();
    const body = `{"ticks":[${line(1)},${line(2)}`;
    await expect(
      upload(body, { lane, parser: new JsonDocumentParser(new TickRows()) }),
    ).rejects.toMatchObject({
      status: 400,
      code: 'MALFORMED_JSON',
    });
    expect(lane.batches).toEqual([]);
  });

  it('says how much was stored when the database goes away in the middle', async () => {
    const lane = new FakeLane<Tick>({
      failure: (n) => (n > 2 ? unavailable('DATABASE_UNAVAILABLE', 'Away.', 2) : undefined),
    });
    const budget = new RowBudget(200_000);
    await expect(upload(lines(60_000), { lane, budget })).rejects.toMatchObject({
      status: 503,
      code: 'DATABASE_UNAVAILABLE',
      detail: expect.stringContaining(
        `${lane.batches.length > 2 ? lane.rows.length : 0} rows of this request`,
      ),
      extra: { retryAfterSeconds: 2 },
    });
    expect(lane.rows.length).toBeGreaterThan(0);
    expect([budget.rows, budget.bytes, budget.isDraining]).toEqual([0, 0, false]);
  });

  it('never has more rows on their way to the writer than the budget allows', async () => {
    const lane = new FakeLane<Tick>({ commitMs: 5 });
    const budget = new RowBudget(9_000);
    const together = await Promise.all([
      upload(lines(20_000), { lane, budget }),
      upload(lines(20_000), { lane, budget }),
      upload(lines(20_000), { lane, budget, key: keyed() }),
    ]);
    expect(together.map((t) => t.answer.accepted)).toEqual([20_000, 20_000, 20_000]);
    expect(lane.mostAppending).toBeLessThanOrEqual(9_000);
    expect([budget.rows, budget.bytes, budget.isDraining]).toEqual([0, 0, false]);
  });

  it('gives back what it held when the client goes away', async () => {
    const budget = new RowBudget(200_000);
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from(lines(100));
      throw new Error('aborted');
    }
    const run = new IngestRun<Tick>({
      parser: new NdjsonParser(new TickRows()),
      bytesRead: { inc: () => undefined },
      isStopping: () => false,
      lane: new FakeLane<Tick>(),
      budget,
      report: new IngestReport(),
    });
    await expect(run.consume(broken())).rejects.toThrow('aborted');
    expect([budget.rows, budget.bytes]).toEqual([0, 0]);
  });

  it('stops between chunks when the server stops', async () => {
    let stopping = false;
    const lane = new FakeLane<Tick>({
      failure: () => {
        stopping = true;
        return undefined;
      },
    });
    const promise = upload(lines(60_000), { lane, isStopping: () => stopping });
    await expect(promise).rejects.toMatchObject({ status: 503, code: 'STOPPING' });
    expect(lane.rows.length).toBeLessThan(60_000);
  });

  it('cuts a block of very short records into appends of bounded size', async () => {
    const lane = new FakeLane<Tick>();
    const record = '{"symbol":"S","ts":1381154400000,"price":1}\n';
    const count = Math.floor(blockBytes / record.length);
    await upload(record.repeat(count), { lane });
    expect(Math.max(...lane.batches.map((b) => b.rows))).toBeLessThanOrEqual(10_000);
    expect(lane.rows).toHaveLength(count);
  });
});
