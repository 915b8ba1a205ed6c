import { z } from 'zod';
import type { QuantileType } from '../kernel/quantile-position.js';
import {
  defaultSobolPaths,
  defaultVarOptions,
  samplings,
  type VarMethod,
  type VarOptions,
} from './compute/var-options.js';
import { bounds } from './request-fields.js';

const dfRule = 'must be more than 2: below, the variance does not exist';
const choices = {
  expected_shortfall: z.enum(['mean_beyond_var', 'acerbi_tasche']).optional(),
  mean: z.enum(['sample', 'zero']).optional(),
  sampling: z.enum(samplings).optional(),
  shrinkage: z.enum(['none', 'ledoit_wolf']).optional(),
};
const asType = (type: number): QuantileType => type as QuantileType;
const asDdof = (ddof: number): 0 | 1 => ddof as 0 | 1;

/** The options of a method as a body gives them; what is not there takes its default in {@link resolveOptions}. */
export const optionsInBody = {
  quantile_type: z.literal([1, 2, 3, 4, 5, 6, 7, 8, 9]).transform(asType).optional(),
  ddof: z.literal([0, 1]).transform(asDdof).optional(),
  lambda: z.number().gt(0).lt(1).optional(),
  df: z.number().gt(2, dfRule).max(1e6).nullable().optional(),
  paths: z.number().int().min(1_000).max(bounds.paths).optional(),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  antithetic: z.boolean().optional(),
  ...choices,
};

/** The same as a query gives them. */
export const optionsInQuery = {
  quantile_type: z.coerce.number().int().min(1).max(9).transform(asType).optional(),
  ddof: z.coerce.number().int().min(0).max(1).transform(asDdof).optional(),
  lambda: z.coerce.number().gt(0).lt(1).optional(),
  df: z.coerce.number().gt(2, dfRule).max(1e6).optional(),
  paths: z.coerce.number().int().min(1_000).max(bounds.paths).optional(),
  seed: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  antithetic: z.stringbool().optional(),
  ...choices,
};

/** By their names in requests. */
interface NamedOptions {
  readonly quantile_type: VarOptions['quantileType'];
  readonly expected_shortfall: VarOptions['shortfall'];
  readonly ddof: VarOptions['ddof'];
  readonly mean: VarOptions['mean'];
  readonly lambda: VarOptions['lambda'];
  readonly df: VarOptions['df'];
  readonly paths: VarOptions['paths'];
  readonly seed: VarOptions['seed'];
  readonly antithetic: VarOptions['antithetic'];
  readonly sampling: VarOptions['sampling'];
  readonly shrinkage: VarOptions['shrinkage'];
}
export type OptionName = keyof NamedOptions;
export type GivenOptions = { readonly [N in OptionName]?: NamedOptions[N] | undefined };

const o = defaultVarOptions;
const defaults: NamedOptions = {
  quantile_type: o.quantileType,
  expected_shortfall: o.shortfall,
  ddof: o.ddof,
  mean: o.mean,
  lambda: o.lambda,
  df: o.df,
  paths: o.paths,
  seed: o.seed,
  antithetic: o.antithetic,
  sampling: o.sampling,
  shrinkage: o.shrinkage,
};

const usedBy: Readonly<Record<VarMethod, readonly OptionName[]>> = {
  historical: ['quantile_type', 'expected_shortfall'],
  parametric: ['ddof', 'mean', 'shrinkage'],
  ewma: ['lambda'],
  cornish_fisher: ['ddof', 'mean'],
  student_t: ['ddof', 'mean', 'df', 'shrinkage'],
  monte_carlo: [
    'ddof',
    'mean',
    'df',
    'paths',
    'seed',
    'antithetic',
    'sampling',
    'shrinkage',
    'quantile_type',
    'expected_shortfall',
  ],
};
/** What belongs to the estimate from a history. */
const estimation: readonly OptionName[] = ['ddof', 'lambda', 'shrinkage'];

/** What the options are for. */
export interface OptionContext {
  readonly method: VarMethod;
  /** A covariance was given in place of a history; `means` whether mean returns came with it. */
  readonly covariance: { readonly means: boolean } | null;
}

function applicable({ method, covariance }: OptionContext, given: GivenOptions): OptionName[] {
  return usedBy[method].filter((name) => {
    if (covariance !== null && (estimation.includes(name) || (name === 'mean' && !covariance.means)))
      return false;
    // The estimator of Ledoit and Wolf is defined with the population's covariance.
    if (name === 'ddof') return given.shrinkage !== 'ledoit_wolf';
    return name !== 'antithetic' || given.sampling !== 'sobol';
  });
}

/** Options that the method has no use for and what to say of them. One that states what happens anyway is no error. */
export function misplacedOptions(
  context: OptionContext,
  given: GivenOptions,
): { readonly name: OptionName; readonly message: string }[] {
  const used = applicable(context, given);
  const implied: Partial<NamedOptions> = {
    ...(context.method === 'ewma' ? { mean: 'zero' } : {}),
    ...(given.shrinkage === 'ledoit_wolf' ? { ddof: 0 } : {}),
  };
  const out: { name: OptionName; message: string }[] = [];
  for (const name of Object.keys(defaults) as OptionName[]) {
    const value = given[name];
    if (value === undefined || used.includes(name)) continue;
    if (value === (implied[name] ?? defaults[name])) continue;
    out.push({ name, message: `does not apply to ${about(context, name, given)}` });
  }
  if (context.method === 'monte_carlo' && given.sampling === 'sobol') {
    const paths = given.paths ?? defaultSobolPaths;
    if (paths < 4_096 || !Number.isInteger(Math.log2(paths)))
      out.push({ name: 'paths', message: 'must be a power of two from 4096 with sampling sobol' });
  }
  return out;
}

function about({ method, covariance }: OptionContext, name: OptionName, given: GivenOptions): string {
  if (!usedBy[method].includes(name)) return `method ${method}`;
  if (name === 'antithetic') return 'sampling sobol';
  if (name === 'ddof' && given.shrinkage === 'ledoit_wolf') return 'shrinkage ledoit_wolf';
  return covariance !== null && name === 'mean' ? 'a covariance without means' : 'a covariance that is given';
}

/** The options in force, and the names of those that were not given and shape the answer. */
export function resolveOptions(
  context: OptionContext,
  given: GivenOptions,
): { readonly options: VarOptions; readonly defaulted: OptionName[] } {
  const paths = given.sampling === 'sobol' ? defaultSobolPaths : defaults.paths;
  const n: NamedOptions = { ...defaults, paths, ...definedOnly(given) };
  return {
    options: {
      quantileType: n.quantile_type,
      shortfall: n.expected_shortfall,
      ddof: n.ddof,
      mean: n.mean,
      lambda: n.lambda,
      df: n.df,
      paths: n.paths,
      seed: n.seed,
      antithetic: n.antithetic,
      sampling: n.sampling,
      shrinkage: n.shrinkage,
    },
    defaulted: applicable(context, given).filter((name) => given[name] === undefined),
  };
}

/** Without the keys that hold `undefined`. */
export function definedOnly<T extends object>(of: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/**
 * What was not given takes its default, and its name goes into `defaulted`: an answer says which of its parameters
 * nobody chose.
 */
export function withDefaults<T extends object, D extends object>(
  of: T,
  defaultsOf: D,
): Omit<T, keyof D> & { [K in keyof D]: D[K] } & { readonly defaulted: string[] } {
  const given = definedOnly(of);
  const defaulted = Object.keys(defaultsOf).filter((name) => !(name in given));
  return { ...defaultsOf, ...given, defaulted } as never;
}
