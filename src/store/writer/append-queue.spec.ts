import { describe, expect, it } from '@jest/globals';
import { AppendQueue } from './append-queue.js';

const entry = (rows: readonly number[]) => ({
  rows,
  bytes: rows.length,
  ingestedAtMs: 0,
  alongside: null,
  trace: null,
  enqueuedAt: 0,
  resolve: () => undefined,
  reject: () => undefined,
});

describe('the queue of appends', () => {
  it('keeps its order and its totals', () => {
    const queue = new AppendQueue<number>();
    for (let i = 0; i < 5_000; i++) queue.push(entry([i, i]));
    for (let i = 0; i < 3_000; i++) expect(queue.shift()?.rows).toEqual([i, i]);
    expect([queue.rows, queue.bytes, queue.isEmpty]).toEqual([4_000, 4_000, false]);
    expect(queue.takeBatch(4, 100).map((e) => e.rows[0])).toEqual([3_000, 3_001]);
  });

  it('lets go of what has left it', () => {
    const queue = new AppendQueue<number>();
    for (let i = 0; i < 3; i++) queue.push(entry([i]));
    queue.shift();
    queue.takeBatch(1, 100);
    expect(JSON.stringify(queue)).not.toContain('"rows":[0]');
    expect(JSON.stringify(queue)).not.toContain('"rows":[1]');
    expect(JSON.stringify(queue)).toContain('"rows":[2]');
  });
});
