import type { LightCalculator } from './calculator.js';

/** The smallest useful calculator: the example of docs/calculators.md. */
export const rangePosition: LightCalculator = {
  name: 'range_position',
  description: 'where the newest value stands between the lowest (0) and the highest (1) of the window',
  version: '1',
  need: 2,
  compute({ values }) {
    let low = values[0]!;
    let high = values[0]!;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (high === low) return { value: null, reason: 'the values do not differ' };
    return { value: (values[values.length - 1]! - low) / (high - low) };
  },
};
