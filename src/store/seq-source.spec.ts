import { describe, expect, it } from '@jest/globals';
import { SeqSource } from './seq-source.js';

/** The one row of `seq_source`. */
class Table {
  next = 1;
  readonly query = async (_sql: string, values: number[]) => {
    if (values.length === 2) {
      if (this.next === values[1]) this.next = values[0]!;
      return { rows: [] };
    }
    this.next += values[0]!;
    return { rows: [{ end: String(this.next) }] };
  };
  get client(): never {
    return this as never;
  }
}

describe('SeqSource', () => {
  it('gives every number once, also over a restart that gave its rest back', async () => {
    const table = new Table();
    const first = new SeqSource();
    await first.ensure(10, table.client);
    expect(first.take(10).firstSeq).toBe(1);
    await first.release(table.client);
    const second = new SeqSource();
    await second.ensure(1, table.client);
    expect(second.take(1).firstSeq).toBe(11);
  });

  it('leaves a hole, never a repetition, after a crash', async () => {
    const table = new Table();
    const first = new SeqSource();
    await first.ensure(10, table.client);
    first.take(10);
    const second = new SeqSource();
    await second.ensure(1, table.client);
    const { firstSeq } = second.take(1);
    expect(firstSeq).toBeGreaterThan(10);
    // The crashed process's memory, should it still run, cannot take back what is reserved.
    await first.release(table.client);
    expect(table.next).toBeGreaterThan(firstSeq);
  });

  it('keeps the numbers of one take together when another process reserves in between', async () => {
    const table = new Table();
    const [a, b] = [new SeqSource(), new SeqSource()];
    await a.ensure(1, table.client);
    await b.ensure(1, table.client);
    a.take(999_999);
    await a.ensure(2, table.client);
    const ticket = a.take(2);
    expect(ticket.firstSeq).toBe(2_000_001);
    expect(() => a.take(2_000_000)).toThrow(/without being reserved/);
  });

  it('asks once for callers that ask together', async () => {
    const table = new Table();
    const seq = new SeqSource();
    await Promise.all([1, 2, 3].map(() => seq.ensure(5, table.client)));
    expect(table.next).toBe(1_000_001);
  });
});
