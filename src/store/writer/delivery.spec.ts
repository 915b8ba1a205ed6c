import { describe, expect, it } from '@jest/globals';
import { Delivery } from './delivery.js';

const inTime = { overdue: false, stopping: false };
const overdue = { overdue: true, stopping: false };

describe('Delivery', () => {
  it('gives up at once on what repeating cannot help', () => {
    expect(new Delivery().failed('fatal', inTime)).toEqual({ tell: 'defect', next: 'give up' });
    expect(new Delivery().failed('conflict', inTime)).toEqual({ tell: 'conflict', next: 'give up' });
  });

  it('bisects after a refused row, and gives up when bisecting does not find it', () => {
    const delivery = new Delivery();
    expect(delivery.failed('data', inTime)).toEqual({ tell: null, next: 'repeat' });
    expect(delivery.approach).toBe('bisect');
    expect(delivery.failed('data', inTime)).toEqual({ tell: 'defect', next: 'give up' });
  });

  it('repeats three times for a missing partition', () => {
    const delivery = new Delivery();
    expect(delivery.partitionMissing).toBe(false);
    for (let i = 0; i < 3; i++) expect(delivery.failed('partition', inTime).next).toBe('repeat');
    expect(delivery.partitionMissing).toBe(true);
    expect(delivery.failed('partition', inTime)).toEqual({ tell: 'defect', next: 'give up' });
  });

  it('waits for a database that is away until the senders have waited long enough', () => {
    const delivery = new Delivery();
    expect(delivery.failed('retry', inTime)).toEqual({ tell: null, next: 'repeat later' });
    expect(delivery.failed('retry', overdue)).toEqual({ tell: 'unavailable', next: 'give up' });
  });

  it('pauses longer after each failure, up to a bound', () => {
    const delivery = new Delivery();
    const pauses = Array.from({ length: 12 }, () => {
      delivery.failed('retry', inTime);
      return delivery.pauseMs;
    });
    expect(pauses[0]).toBeGreaterThanOrEqual(25);
    expect(pauses[0]).toBeLessThan(75);
    expect(pauses[11]).toBeGreaterThanOrEqual(500);
    expect(Math.max(...pauses)).toBeLessThan(1_500);
  });

  it('only verifies what may have been committed when the senders have been told to repeat', () => {
    const delivery = new Delivery();
    delivery.lostAnswer();
    expect(delivery.failed('retry', overdue)).toEqual({ tell: 'unavailable', next: 'repeat later' });
    expect(delivery.approach).toBe('verify');
    // Told once; what comes after does not change what is to be found out.
    expect(delivery.failed('retry', overdue)).toEqual({ tell: null, next: 'repeat later' });
    expect(delivery.failed('data', overdue)).toEqual({ tell: null, next: 'repeat later' });
    expect(delivery.approach).toBe('verify');
    expect(delivery.failed('retry', { overdue: true, stopping: true })).toEqual({
      tell: null,
      next: 'give up',
    });
  });
});
