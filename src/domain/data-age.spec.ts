import { describe, expect, it } from '@jest/globals';
import { ageReason, dataAgeMs } from './data-age.js';

describe('dataAgeMs', () => {
  it('is never negative, and forgives clocks that differ', () => {
    expect(dataAgeMs(1_000, 4_000)).toBe(3_000);
    expect(dataAgeMs(30_000, 0)).toBe(0);
    expect(ageReason(30_000, 0)).toEqual({});
  });

  it('is not known of data from the future, and says so', () => {
    expect(dataAgeMs(3_600_000, 0)).toBeNull();
    expect(ageReason(3_600_000, 0).reason).toMatch(/future/);
    expect(ageReason(null, 0)).toEqual({});
  });
});
