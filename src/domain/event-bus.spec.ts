import { describe, expect, it } from '@jest/globals';
import { EventBus } from './event-bus.js';

const transition = {
  portfolioId: 'P',
  limitId: 'L',
  limitType: 'var',
  from: 'normal',
  to: 'breach',
  value: 2,
  thresholdValue: 1,
  warningThreshold: 0.8,
  atMs: 0,
} as const;

describe('EventBus', () => {
  it('delivers to every listener although one throws, and reports the error', () => {
    const errors: unknown[] = [];
    const bus = new EventBus((name, error) => errors.push([name, error]));
    const seen: string[] = [];
    const failure = new Error('listener failed');
    bus.on('limit.transition', () => {
      throw failure;
    });
    bus.on('limit.transition', (e) => seen.push(e.to));
    bus.emit('limit.transition', transition);
    expect(seen).toEqual(['breach']);
    expect(errors).toEqual([['limit.transition', failure]]);
  });

  it('stops delivering to a listener that was removed', () => {
    const bus = new EventBus();
    let count = 0;
    const off = bus.on('limit.transition', () => count++);
    bus.emit('limit.transition', transition);
    off();
    bus.emit('limit.transition', transition);
    expect(count).toBe(1);
  });
});
