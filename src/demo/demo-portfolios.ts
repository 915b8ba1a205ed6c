import type { Position } from '../domain/portfolio.js';

export interface DemoPortfolio {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly positions: readonly Position[];
  readonly limits: readonly DemoLimit[];
}

/** A limit on a live risk metric, in its unit: money or a fraction. */
export interface DemoLimit {
  readonly limit_type: string;
  readonly threshold_value: number;
  readonly warning_threshold: number;
  readonly clear_threshold: number;
}

/** Warns at 80 % of the threshold; a breach ends at 95 %. */
const limit = (type: string, threshold: number): DemoLimit => ({
  limit_type: type,
  threshold_value: threshold,
  warning_threshold: 0.8 * threshold,
  clear_threshold: 0.95 * threshold,
});

/** Around one million dollars each at the prices of mid 2016 (AAPL 96, SPX 2,080). */
export const demoPortfolios: readonly DemoPortfolio[] = [
  {
    id: 'PORTFOLIO_001',
    name: 'Growth: mostly Apple',
    currency: 'USD',
    positions: [
      { symbol: 'AAPL', quantity: 8_000 },
      { symbol: 'SPX', quantity: 110 },
    ],
    limits: [limit('var', 45_000), limit('concentration', 0.8)],
  },
  {
    id: 'PORTFOLIO_002',
    name: 'Index: the S&P 500',
    currency: 'USD',
    positions: [{ symbol: 'SPX', quantity: 480 }],
    limits: [limit('var', 40_000), limit('gross_exposure', 1_500_000)],
  },
  {
    id: 'PORTFOLIO_003',
    name: 'Balanced: half Apple, half index',
    currency: 'USD',
    positions: [
      { symbol: 'AAPL', quantity: 5_200 },
      { symbol: 'SPX', quantity: 240 },
    ],
    limits: [limit('var', 40_000), limit('expected_shortfall', 60_000)],
  },
  {
    id: 'PORTFOLIO_004',
    name: 'Hedged: long Apple, short the index',
    currency: 'USD',
    positions: [
      { symbol: 'AAPL', quantity: 20_000 },
      { symbol: 'SPX', quantity: -440 },
    ],
    limits: [limit('var', 60_000), limit('gross_exposure', 3_000_000)],
  },
  {
    id: 'PORTFOLIO_005',
    name: 'Leveraged: three times the index, financed by a short in Apple',
    currency: 'USD',
    positions: [
      { symbol: 'SPX', quantity: 1_440 },
      { symbol: 'AAPL', quantity: -20_800 },
    ],
    limits: [limit('var', 75_000), limit('gross_exposure', 6_000_000)],
  },
];
