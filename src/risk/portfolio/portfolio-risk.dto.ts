import { z } from 'zod';
import type { QuantileType } from '../../kernel/quantile-position.js';
import { defaultVarOptions, type VarOptions } from '../compute/var-options.js';
import {
  bounds,
  confidenceParameter,
  finite,
  horizonParameter,
  methodField,
  symbolField,
} from '../request-fields.js';

const parameter = z.coerce.number();

/** Query of `GET …/var` and `GET …/components`: every option of the stateless request, by the same names. */
export const varQuery = z
  .strictObject({
    method: methodField.default('historical'),
    confidence: confidenceParameter.default(0.99),
    horizon_days: horizonParameter.default(1),
    /** Newest daily returns used; default RISK_WINDOW_DAYS. */
    window_days: parameter.int().min(2).max(10_000).optional(),
    quantile_type: parameter.int().min(1).max(9).default(defaultVarOptions.quantileType),
    expected_shortfall: z.enum(['mean_beyond_var', 'acerbi_tasche']).default(defaultVarOptions.shortfall),
    ddof: parameter.int().min(0).max(1).default(defaultVarOptions.ddof),
    mean: z.enum(['sample', 'zero']).default(defaultVarOptions.mean),
    lambda: parameter.gt(0).lt(1).default(defaultVarOptions.lambda),
    df: parameter.gt(2, 'must be more than 2: below, the variance does not exist').max(1e6).optional(),
    paths: parameter.int().min(1_000).max(bounds.paths).default(defaultVarOptions.paths),
    seed: parameter.int().min(0).max(Number.MAX_SAFE_INTEGER).default(defaultVarOptions.seed),
    antithetic: z.stringbool().default(defaultVarOptions.antithetic),
    shrinkage: z.enum(['none', 'ledoit_wolf']).default(defaultVarOptions.shrinkage),
  })
  .transform((q) => {
    const options: VarOptions = {
      quantileType: q.quantile_type as QuantileType,
      shortfall: q.expected_shortfall,
      ddof: q.ddof as 0 | 1,
      mean: q.mean,
      lambda: q.lambda,
      df: q.df ?? null,
      paths: q.paths,
      seed: q.seed,
      antithetic: q.antithetic,
      shrinkage: q.shrinkage,
    };
    return {
      method: q.method,
      confidence: q.confidence,
      horizonDays: q.horizon_days,
      windowDays: q.window_days,
      options,
    };
  });
export type VarQuery = z.output<typeof varQuery>;

const day = z.iso.date();
const shock = finite.min(-1, 'must not be below -1: a price cannot fall by more than all of it').max(100);
const scenarioName = z.string().trim().min(1).max(100);

const customWindow = z
  .strictObject({ name: scenarioName.optional(), from: day, to: day })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be after from' });
const shockScenario = z.strictObject({
  name: scenarioName.optional(),
  shocks: z.record(symbolField, shock).default({}),
  /** Move of every position that `shocks` does not name. */
  all: shock.optional(),
});

/**
 * Body of `POST …/stress`: named or own historical windows, and user shocks as relative price changes. Without any,
 * every named window.
 */
export const stressRequest = z
  .strictObject({
    windows: z
      .array(z.union([z.string(), customWindow]))
      .max(50)
      .optional(),
    shocks: z.union([z.array(shockScenario).min(1).max(50), z.record(symbolField, shock)]).optional(),
  })
  .nullish()
  .transform((body) => body ?? {});
export type StressRequest = z.output<typeof stressRequest>;

/** Body of `POST …/what-if`. */
export const whatIfRequest = z.strictObject({
  orders: z
    .array(
      z.strictObject({
        symbol: symbolField,
        /** Units bought (+) or sold (−); bounded as positions are. */
        quantity: finite
          .min(-Number.MAX_SAFE_INTEGER)
          .max(Number.MAX_SAFE_INTEGER)
          .refine((x) => x !== 0, 'must not be 0'),
      }),
    )
    .min(1)
    .max(500),
});
export type WhatIfRequest = z.output<typeof whatIfRequest>;
