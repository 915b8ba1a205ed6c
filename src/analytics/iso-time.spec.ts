import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isoTime } from './iso-time.js';

describe('isoTime', () => {
  it('is toISOString of the whole millisecond', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: Date.UTC(2200, 0), noNaN: true }), (ms) => {
        expect(isoTime(ms)).toBe(new Date(Math.floor(ms)).toISOString());
      }),
    );
  });
});
