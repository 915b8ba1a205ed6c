import { describe, expect, it } from '@jest/globals';
import { FakeServer } from '../../../test/harness/fake-postgres.js';
import { Logger } from '../../observability/logger.js';
import { Metrics } from '../../observability/metrics.js';
import { SeqSource } from '../seq-source.js';
import type { CommittedBatch, RowTarget } from './row-target.js';
import { maxRowsPerAppend, RowWriter, type RowWriterLimits } from './row-writer.js';
import { WriterMeter } from './writer-meter.js';

const target: RowTarget<string> = {
  name: 'ticks',
  sequenced: true,
  bytes: (row) => row.length,
  statements: () => ({ copy: 'COPY' }),
  encode: (row, _seq, into) => into.text(row),
};

/** Numbers without a database. */
function seqSource(): SeqSource {
  const seq = new SeqSource();
  let next = 1;
  const query = async () => {
    next += 1_000_000;
    return { rows: [{ end: String(next) }] };
  };
  const ensure = seq.ensure.bind(seq);
  seq.ensure = (count) => ensure(count, { query } as never);
  return seq;
}

function setUp(limits: Partial<RowWriterLimits> = {}, sequenced = true) {
  const server = new FakeServer();
  const metrics = new Metrics();
  const announced: CommittedBatch<string>[] = [];
  const defects: unknown[] = [];
  const writer = new RowWriter<string>({
    target: { ...target, sequenced },
    pool: server.pool,
    seq: seqSource(),
    meter: new WriterMeter(metrics, 'ticks', Logger.silent().child('test')),
    limits: { spacingMs: 1, ackTimeoutMs: 400, ...limits },
    onCommitted: (batch) => announced.push(batch),
    onDefect: (error) => defects.push(error),
  });
  const total = (name: string): number => metrics.read(name).reduce((n, s) => n + s.value, 0);
  return { server, writer, announced, defects, total };
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'stored',
    (error: { code?: string }) => error.code,
  );

describe('RowWriter', () => {
  it('commits what many callers append together and answers each after the commit', async () => {
    const { server, writer, announced } = setUp();
    const results = await Promise.all(['a', 'b', 'c'].map((row) => writer.append([row, row])));
    expect(results).toEqual(Array(3).fill({ stored: 2, duplicates: 0, rejected: [] }));
    expect(server.committed).toHaveLength(1);
    expect(announced.map((b) => b.rows)).toEqual([['a', 'a', 'b', 'b', 'c', 'c']]);
    expect(announced[0]?.seqs).toEqual([1, 2, 3, 4, 5, 6]);
    expect(writer.pendingRows).toBe(0);
  });

  it('commits the first row after a pause at once, and those after it together', async () => {
    const { announced, writer } = setUp({ spacingMs: 1_000 });
    const started = performance.now();
    await writer.append(['first']);
    expect(performance.now() - started).toBeLessThan(900);
    const second = writer.append(['second']);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all([second, writer.append(['third'])]);
    expect(announced.map(({ rows }) => rows)).toEqual([['first'], ['second', 'third']]);
    expect(performance.now() - started).toBeGreaterThan(298);
  });

  it('tells the age of a row until it is durable, also while its commit is under way', async () => {
    const { server, writer, total } = setUp();
    const age = (): number => total('tidewatch_store_writer_oldest_row_seconds');
    expect(age()).toBe(0);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    // Connections are given, commits are held.
    Object.defineProperty(server, 'gate', {
      get: () => (server.connections === 0 ? Promise.resolve() : held),
    });
    const appended = writer.append(['row']);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect([server.connections, server.committed.length, writer.pendingRows]).toEqual([1, 0, 1]);
    expect(age()).toBeGreaterThan(0.03);
    release();
    await appended;
    expect([age(), total('tidewatch_store_writer_buffer_bytes')]).toEqual([0, 0]);
  });

  it.each([
    ['does not let a few rows wait for a commit that is slow', true, 2],
    ['lets them wait where rows have no order: the newer of one time would be overtaken', false, 1],
  ])('%s', async (_, sequenced, connections) => {
    const { server, writer, announced } = setUp({}, sequenced);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let asked = 0;
    // Connections are given, commits are held.
    Object.defineProperty(server, 'gate', { get: () => (++asked % 2 === 1 ? Promise.resolve() : held) });
    const first = writer.append(['first']);
    const second = new Promise<void>((resolve) => setTimeout(resolve, 2)).then(() =>
      writer.append(['second']),
    );
    await new Promise((resolve) => setTimeout(resolve, 60));
    // The one is not committed, and the other is on its way beside it, or not.
    expect([server.connections, announced.length]).toEqual([connections, 0]);
    release();
    await Promise.all([first, second]);
    expect(announced.map(({ rows }) => rows)).toEqual([['first'], ['second']]);
  });

  it('never splits one append, and bounds what is committed together', async () => {
    const { server, writer, announced } = setUp({ maxBatchRows: 4, concurrency: 1 });
    await Promise.all([3, 3, 9, 1].map((n) => writer.append(Array(n).fill('x'))));
    expect(announced.map((b) => b.rows.length)).toEqual([3, 3, 9, 1]);
    expect(server.committed).toHaveLength(4);
  });

  it('announces in the order of seq although a later batch commits first', async () => {
    const { server, writer, announced } = setUp({ maxBatchRows: 1, concurrency: 2 });
    // The first transaction is rolled back and sent again while the second commits.
    server.fates.push({ sqlstate: '40P01' });
    await Promise.all([writer.append(['first']), writer.append(['second'])]);
    expect(server.committed.map((p) => (p.includes('first') ? 'first' : 'second'))).toEqual([
      'second',
      'first',
    ]);
    expect(announced.map((b) => b.rows[0])).toEqual(['first', 'second']);
  });

  it('stores a batch once when the connection is lost before or after its commit', async () => {
    for (const fate of ['lost before commit', 'lost after commit'] as const) {
      const { server, writer, announced, total } = setUp();
      server.fates.push(fate);
      const result = await writer.append(['row']);
      expect(result.stored).toBe(1);
      expect(server.committed).toHaveLength(1);
      expect(announced).toHaveLength(1);
      expect(total('tidewatch_store_writer_retries_total')).toBeGreaterThan(0);
    }
  });

  it('refuses at once what does not fit into the buffer and takes it when there is room again', async () => {
    const { server, writer, total } = setUp({ maxBufferRows: 10, maxBatchRows: 5 });
    let open: () => void = () => undefined;
    server.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = writer.append(Array(8).fill('x'));
    expect(await code(writer.append(Array(3).fill('y')))).toBe('BUFFER_FULL');
    const second = writer.append(Array(2).fill('z'));
    expect(writer.pendingRows).toBe(10);
    open();
    await Promise.all([first, second]);
    expect(await code(writer.append(Array(3).fill('y')))).toBe('stored');
    expect(total('tidewatch_store_writer_refused_rows_total')).toBe(3);
  });

  it('bounds the buffer in bytes too', async () => {
    const { server, writer } = setUp({ maxBufferBytes: 100 });
    server.gate = new Promise(() => undefined);
    void writer.append(['x'.repeat(101)]);
    expect(await code(writer.append(['y']))).toBe('BUFFER_FULL');
  });

  it('answers 503 within the ack timeout while the database is away, and works again afterwards', async () => {
    const { server, writer, announced, total } = setUp();
    server.away = true;
    const started = performance.now();
    expect(await code(writer.append(['a']))).toBe('DATABASE_UNAVAILABLE');
    expect(performance.now() - started).toBeLessThan(2_000);
    server.away = false;
    expect(await code(writer.append(['b']))).toBe('stored');
    expect(announced.map((b) => b.rows)).toEqual([['b']]);
    expect(total('tidewatch_store_writer_refused_rows_total')).toBe(1);
  });

  it('announces rows whose sender was told to repeat when they turn out to be stored', async () => {
    const { server, writer, announced } = setUp();
    server.fates.push('lost after commit');
    const append = code(writer.append(['a']));
    // Between the lost answer and the next attempt the server goes away for longer than the sender waits.
    while (server.committed.length === 0) await new Promise((resolve) => setImmediate(resolve));
    server.away = true;
    expect(await append).toBe('DATABASE_UNAVAILABLE');
    expect(announced).toEqual([]);
    server.away = false;
    while (announced.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(announced.map((b) => b.rows)).toEqual([['a']]);
    expect(await code(writer.append(['b']))).toBe('stored');
    expect(server.committed).toHaveLength(2);
  });

  it('hands a defect of ours to the caller and to the log, without a retry', async () => {
    const { server, writer, defects } = setUp();
    server.fates.push({ sqlstate: '42703' });
    expect(await code(writer.append(['a']))).toBe('42703');
    expect(defects).toHaveLength(1);
    expect(await code(writer.append(['b']))).toBe('stored');
  });

  it('stops when everything accepted is durable and refuses what comes later', async () => {
    const { server, writer } = setUp({ spacingMs: 10_000 });
    await writer.append(['first']);
    const append = writer.append(['a']);
    const stopped = writer.stop();
    expect(await code(writer.append(['late']))).toBe('STOPPING');
    await stopped;
    expect(server.committed).toHaveLength(2);
    expect((await append).stored).toBe(1);
  });

  it('refuses an append that would be too long a transaction', async () => {
    const { writer } = setUp();
    expect(await code(writer.append(Array(maxRowsPerAppend + 1).fill('x')))).toBe('BATCH_TOO_LARGE');
  });
});
