/**
 * Falls that people ask about, first to last trading day (S&P 500 peak to trough unless the name says otherwise).
 */
export const stressWindows = {
  dotcom_2000: { from: '2000-03-24', to: '2002-10-09', what: 'the end of the dot-com bubble' },
  september_2001: { from: '2001-09-10', to: '2001-09-21', what: 'after the attacks of 11 September' },
  financial_crisis_2008: {
    from: '2007-10-09',
    to: '2009-03-09',
    what: 'the financial crisis, peak to trough',
  },
  lehman_2008: { from: '2008-09-12', to: '2008-11-20', what: 'after the failure of Lehman Brothers' },
  flash_crash_2010: { from: '2010-05-05', to: '2010-05-07', what: 'the flash crash' },
  euro_crisis_2011: { from: '2011-07-22', to: '2011-10-03', what: 'the euro crisis and the US downgrade' },
  china_2015: { from: '2015-08-17', to: '2015-08-25', what: 'the devaluation of the yuan' },
  volmageddon_2018: { from: '2018-01-26', to: '2018-02-08', what: 'the end of short volatility' },
  fourth_quarter_2018: { from: '2018-09-20', to: '2018-12-24', what: 'the fall of the fourth quarter' },
  covid_2020: { from: '2020-02-19', to: '2020-03-23', what: 'the pandemic' },
  rates_2022: { from: '2022-01-03', to: '2022-10-12', what: 'the rise of interest rates' },
} as const;
export type StressWindowName = keyof typeof stressWindows;
export const isStressWindow = (name: string): name is StressWindowName => Object.hasOwn(stressWindows, name);
