import { describe, expect, it } from '@jest/globals';
import { golden, relativeError } from '../../test/golden/risk/golden.js';
import { baselTrafficLight } from './basel-traffic-light.js';
import { christoffersenTest } from './christoffersen-test.js';
import { conditionalCoverageTest } from './conditional-coverage-test.js';
import { kupiecTest } from './kupiec-test.js';

describe('VaR backtests', () => {
  it.each(golden.kupiec.rows)(
    'Kupiec: %d days, %d exceptions, α %d',
    (days, exceptions, alpha, statistic, p) => {
      const test = kupiecTest(days, exceptions, alpha);
      expect(relativeError([test.statistic, test.pValue], [statistic, p])).toBeLessThan(1e-9);
    },
  );

  // Kupiec (1995), table 3: at the 95 % level 255 days accept fewer than 7 exceptions at α = 1 %, 1,000 days 5 to
  // 16; 37 < x < 65 of 1,000 at α = 5 %. Reprinted in Jorion, "Value at Risk", table 6.2.
  it('has the published regions of non-rejection', () => {
    const accepted = (days: number, x: number, alpha: number) => kupiecTest(days, x, alpha).pValue > 0.05;
    expect([6, 7].map((x) => accepted(255, x, 0.01))).toEqual([true, false]);
    expect([4, 5, 16, 17].map((x) => accepted(1000, x, 0.01))).toEqual([false, true, true, false]);
    expect([37, 38, 64, 65].map((x) => accepted(1000, x, 0.05))).toEqual([false, true, true, false]);
  });

  it('Christoffersen equals the G-test of the transition table', () => {
    const g = golden.christoffersen;
    const test = christoffersenTest(g.hits);
    expect(Object.values(test.transitions)).toEqual(g.transitions);
    expect(relativeError([test.statistic!, test.pValue!], [g.statistic, g.p_value])).toBeLessThan(1e-10);
    const joint = conditionalCoverageTest(g.hits, 0.05);
    const exceptions = g.hits.filter(Boolean).length;
    expect(joint.statistic).toBeCloseTo(test.statistic! + kupiecTest(500, exceptions, 0.05).statistic, 12);
    expect(joint.pValue).toBeCloseTo(Math.exp(-joint.statistic! / 2), 13);
  });

  it('independence is undefined, not accepted, where one of the two states is never followed by a day', () => {
    const last = [...new Array<number>(49).fill(0), 1];
    const first = [...new Array<number>(49).fill(1), 0];
    for (const hits of [new Array<number>(50).fill(0), last, new Array<number>(50).fill(1), first]) {
      const which = hits[0] === 0 ? 'an exception' : 'a quiet day';
      const expected = { statistic: null, pValue: null, reason: expect.stringContaining(which) };
      expect(christoffersenTest(hits)).toMatchObject(expected);
      expect(conditionalCoverageTest(hits, 0.05)).toMatchObject({ ...expected, degreesOfFreedom: 2 });
    }
    expect(christoffersenTest([0, 1, 0]).statistic).toBeGreaterThan(0);
  });

  it('takes days that are all exceptions, and refuses what is no series', () => {
    expect(kupiecTest(10, 10, 0.5).statistic).toBeCloseTo(20 * Math.LN2, 12);
    expect(() => christoffersenTest([true])).toThrow(RangeError);
    expect(() => kupiecTest(10, 11, 0.1)).toThrow(RangeError);
    expect(() => kupiecTest(10, 1, 1.5)).toThrow(RangeError);
  });

  // Basel Committee on Banking Supervision, "Supervisory framework for the use of backtesting", January 1996, table
  // 2.
  it.each([
    [0, 'green', 0, 0.0811],
    [4, 'green', 0, 0.8922],
    [5, 'yellow', 0.4, 0.9588],
    [7, 'yellow', 0.65, 0.996],
    [9, 'yellow', 0.85, 0.9997],
    [10, 'red', 1, 0.9999],
  ])(
    'Basel: %d exceptions in 250 days are %s, plus factor %d',
    (exceptions, zone, plusFactor, cumulative) => {
      const light = baselTrafficLight(250, exceptions, 0.01);
      expect([light.zone, light.plusFactor]).toEqual([zone, plusFactor]);
      expect(light.cumulativeProbability).toBeCloseTo(cumulative, 4);
    },
  );

  it('gives no plus factor where no table defines one', () => {
    expect(baselTrafficLight(500, 3, 0.01).plusFactor).toBeNull();
    expect(baselTrafficLight(250, 3, 0.05).plusFactor).toBeNull();
  });
});
