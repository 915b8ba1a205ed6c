import { describe, expect, it } from '@jest/globals';
import { defaultVarOptions, type VarMethod, varMethods } from './compute/var-options.js';
import { type GivenOptions, misplacedOptions, type OptionContext, resolveOptions } from './given-options.js';

const history = (method: VarMethod): OptionContext => ({ method, covariance: null });
const misplaced = (context: OptionContext, given: GivenOptions) =>
  misplacedOptions(context, given).map(({ name }) => name);

describe('options of a method', () => {
  it.each<[VarMethod, GivenOptions, string[]]>([
    ['historical', { quantile_type: 6, expected_shortfall: 'acerbi_tasche' }, []],
    ['historical', { lambda: 0.9, seed: 7, df: 4, paths: 5_000 }, ['lambda', 'df', 'paths', 'seed']],
    ['parametric', { ddof: 0, mean: 'zero', shrinkage: 'none' }, []],
    ['parametric', { quantile_type: 6 }, ['quantile_type']],
    ['parametric', { shrinkage: 'ledoit_wolf', ddof: 1 }, ['ddof']],
    ['parametric', { shrinkage: 'ledoit_wolf', ddof: 0 }, []],
    ['ewma', { lambda: 0.9, mean: 'zero' }, []],
    ['ewma', { mean: 'sample', ddof: 0 }, ['ddof', 'mean']],
    ['cornish_fisher', { shrinkage: 'ledoit_wolf', ddof: 0 }, ['shrinkage']],
    ['student_t', { df: 4, antithetic: true }, ['antithetic']],
    ['monte_carlo', { lambda: 0.9, df: 4, seed: 1, quantile_type: 1 }, ['lambda']],
    ['monte_carlo', { sampling: 'sobol', antithetic: true }, ['antithetic']],
    ['monte_carlo', { sampling: 'sobol', paths: 100_000 }, ['paths']],
    ['monte_carlo', { sampling: 'sobol', paths: 8_192 }, []],
  ])('%s %o: refused %j', (method, given, expected) => {
    expect(misplaced(history(method), given)).toEqual(expected);
  });

  it('the estimate is not a choice where a covariance is given, nor the mean without means', () => {
    const given = { ddof: 0, mean: 'zero', shrinkage: 'ledoit_wolf' } as const;
    const covariance = (means: boolean): OptionContext => ({ method: 'parametric', covariance: { means } });
    expect(misplaced(covariance(false), given)).toEqual(['mean', 'shrinkage']);
    expect(misplaced(covariance(true), { mean: 'zero' })).toEqual([]);
  });

  it('a stated default is no error, whatever the method', () => {
    // As the documentation of the API states them.
    const stated: GivenOptions = JSON.parse(
      `{"quantile_type":7,"ddof":1,"lambda":0.94,"df":null,"paths":100000,"seed":1,"antithetic":false,
        "sampling":"pseudo_random","shrinkage":"none","expected_shortfall":"mean_beyond_var"}`,
    );
    for (const method of varMethods) expect(misplaced(history(method), stated)).toEqual([]);
  });

  it('names what it filled in, and only what shapes the answer', () => {
    expect(resolveOptions(history('historical'), {})).toEqual({
      options: defaultVarOptions,
      defaulted: ['quantile_type', 'expected_shortfall'],
    });
    expect(resolveOptions(history('student_t'), { df: 6, ddof: undefined }).defaulted).toEqual([
      'ddof',
      'mean',
      'shrinkage',
    ]);
    const sobol = resolveOptions(history('monte_carlo'), { sampling: 'sobol', seed: 3 });
    expect(sobol.options.paths).toBe(65_536);
    expect(sobol.defaulted).toContain('paths');
    expect(sobol.defaulted).not.toContain('antithetic');
  });
});
