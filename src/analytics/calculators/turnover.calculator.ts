import type { CalculatorInput, CalculatorResult, LightCalculator } from './calculator.js';

/**
 * Turnover: the value moved by changes of positions while the window ran (each valued at the price of its moment),
 * relative to the mean value of the portfolio over the window.
 */
export const turnover: LightCalculator = {
  name: 'turnover',
  description:
    'value moved by changes of positions inside the window, relative to the mean value; a fraction',
  version: '1',
  need: 1,
  compute,
};

function compute({ values, flows }: CalculatorInput): CalculatorResult {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  if (!(mean > 0)) return { value: null, reason: 'the mean value of the portfolio is not above 0' };
  const moved = flows.reduce((total, amount) => total + amount, 0);
  return { value: moved / mean, moved, changes: flows.length };
}
