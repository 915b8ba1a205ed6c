import { z } from 'zod';
import type { VarMethod } from '../compute/var-options.js';
import { misplacedOptions, optionsInQuery, resolveOptions, withDefaults } from '../given-options.js';
import {
  confidenceParameter,
  finite,
  horizonParameter,
  methodField,
  symbolField,
} from '../request-fields.js';

const defaultMethod = 'historical' as VarMethod;

/** Query of `GET …/var` and `GET …/components`: every option of the stateless request, by the same names. */
export const varQuery = z
  .strictObject({
    method: methodField.optional(),
    confidence: confidenceParameter.optional(),
    horizon_days: horizonParameter.optional(),
    /** Newest daily returns used; default RISK_WINDOW_DAYS. */
    window_days: z.coerce.number().int().min(2).max(10_000).optional(),
    ...optionsInQuery,
  })
  .superRefine(({ method = defaultMethod, ...query }, ctx) => {
    for (const { name, message } of misplacedOptions({ method, covariance: null }, query)) {
      ctx.addIssue({ code: 'custom', path: [name], message });
    }
  })
  .transform(({ method, confidence, horizon_days, window_days, ...given }) => {
    const known = withDefaults(
      { method, confidence, horizon_days },
      { method: defaultMethod, confidence: 0.99, horizon_days: 1 },
    );
    const { options, defaulted } = resolveOptions({ method: known.method, covariance: null }, given);
    return {
      method: known.method,
      confidence: known.confidence,
      horizonDays: known.horizon_days,
      windowDays: window_days,
      options,
      /** Parameters that the request left to us. */
      defaulted: [
        ...known.defaulted,
        ...(window_days === undefined ? ['window_days'] : []),
        ...(defaulted as string[]),
      ],
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
