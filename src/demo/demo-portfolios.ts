import type { Position } from '../domain/portfolio.js';

export interface DemoPortfolio {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly positions: readonly Position[];
}

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
  },
  {
    id: 'PORTFOLIO_002',
    name: 'Index: the S&P 500',
    currency: 'USD',
    positions: [{ symbol: 'SPX', quantity: 480 }],
  },
  {
    id: 'PORTFOLIO_003',
    name: 'Balanced: half Apple, half index',
    currency: 'USD',
    positions: [
      { symbol: 'AAPL', quantity: 5_200 },
      { symbol: 'SPX', quantity: 240 },
    ],
  },
  {
    id: 'PORTFOLIO_004',
    name: 'Hedged: long Apple, short the index',
    currency: 'USD',
    positions: [
      { symbol: 'AAPL', quantity: 20_000 },
      { symbol: 'SPX', quantity: -440 },
    ],
  },
  {
    id: 'PORTFOLIO_005',
    name: 'Leveraged: three times the index, financed by a short in Apple',
    currency: 'USD',
    positions: [
      { symbol: 'SPX', quantity: 1_440 },
      { symbol: 'AAPL', quantity: -20_800 },
    ],
  },
];
