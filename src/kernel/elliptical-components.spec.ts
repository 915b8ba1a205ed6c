import { describe, expect, it } from '@jest/globals';
import { golden, relativeError } from '../../test/golden/risk/golden.js';
import { cornishFisherComponents } from './cornish-fisher-components.js';
import { covarianceMatrix } from './covariance-matrix.js';
import { ellipticalComponents } from './elliptical-components.js';
import { empiricalComponents } from './empirical-components.js';
import { historicalVar } from './historical-var.js';
import { mean } from './mean.js';
import { normalQuantile } from './normal-quantile.js';
import { portfolioReturns } from './portfolio-returns.js';
import type { VarComponents } from './var-components.js';

const { returns, weights } = golden.market;
const sum = (x: Float64Array): number => x.reduce((a, b) => a + b, 0);

describe('components of VaR', () => {
  const cases: [string, VarComponents][] = [
    [
      'parametric',
      ellipticalComponents(
        weights,
        covarianceMatrix(returns),
        returns.map((r) => mean(r)),
        normalQuantile(0.99),
      ),
    ],
    ['cornish_fisher', cornishFisherComponents(returns, weights, 0.99)],
  ];

  it.each(cases)('%s: total, marginal and incremental equal complex-step derivatives', (name, actual) => {
    const expected = golden.components[name as 'parametric' | 'cornish_fisher'];
    expect(relativeError([actual.total], [expected.total])).toBeLessThan(1e-11);
    expect(relativeError(actual.marginal, expected.marginal)).toBeLessThan(1e-9);
    expect(relativeError(actual.incremental, expected.incremental)).toBeLessThan(1e-9);
  });

  it.each(cases)('%s: components sum to the total', (_name, actual) => {
    expect(relativeError([sum(actual.component)], [actual.total])).toBeLessThan(1e-12);
  });

  it.each([0, 5])('of scenarios sum to the historical VaR, smoothing %d', (smoothing) => {
    const actual = empiricalComponents(returns, weights, 0.975, 7, smoothing);
    expect(actual.total).toBe(historicalVar(portfolioReturns(returns, weights), 0.975));
    expect(relativeError([sum(actual.component)], [actual.total])).toBeLessThan(1e-12);
    const without = portfolioReturns(
      returns,
      weights.map((w, i) => (i === 3 ? 0 : w)),
    );
    expect(actual.incremental[3]).toBeCloseTo(actual.total - historicalVar(without, 0.975), 14);
  });

  it('a perfect hedge has components that sum to its VaR of 0', () => {
    const x = returns[0]!;
    const actual = ellipticalComponents([1, -1], covarianceMatrix([x, x]), [0, 0], 2);
    expect([actual.total, ...actual.component]).toEqual([0, 0, -0].map((v) => v + 0));
    expect(actual.incremental[0]).toBeLessThan(0);
    const modified = cornishFisherComponents([x, x], [1, -1], 0.99);
    expect(modified.total).toBe(0);
    expect(sum(modified.component)).toBe(0);
  });
});
