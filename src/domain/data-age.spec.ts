import { expect, it } from '@jest/globals';
import { dataAgeMs } from './data-age.js';

it('says how old data is, and not that it is fresh when it comes from the future', () => {
  expect(dataAgeMs(1_000, 61_000)).toBe(60_000);
  expect(dataAgeMs(61_000, 1_000)).toBe(0);
  expect(dataAgeMs(61_001, 1_000)).toBeNull();
});
