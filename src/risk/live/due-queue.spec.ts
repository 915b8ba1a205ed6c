import { describe, expect, it } from '@jest/globals';
import { DueQueue } from './due-queue.js';

describe('DueQueue', () => {
  it('lets the first change out at once and further ones after the interval, once', () => {
    const queue = new DueQueue(250);
    queue.mark('a', 1_000);
    queue.mark('a', 1_001);
    expect(queue.take(1_001)).toBe('a');
    expect(queue.take(1_001)).toBeUndefined();
    queue.mark('a', 1_010);
    queue.mark('a', 1_200);
    expect(queue.take(1_240)).toBeUndefined();
    expect(queue.nextDueMs()).toBe(1_260);
    expect(queue.take(1_260)).toBe('a');
    expect(queue.size).toBe(0);
  });

  it('goes first come, first served, and forgets what is gone', () => {
    const queue = new DueQueue(100);
    for (const key of ['a', 'b', 'c']) queue.mark(key, 500);
    queue.forget('b');
    expect([queue.take(500), queue.take(500), queue.take(500)]).toEqual(['a', 'c', undefined]);
    expect(queue.nextDueMs()).toBeUndefined();
  });
});
