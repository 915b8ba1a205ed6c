import { z } from 'zod';
import type { VarMethod } from '../compute/var-options.js';
import {
  misplacedOptions,
  type OptionContext,
  optionsInBody,
  resolveOptions,
  withDefaults,
} from '../given-options.js';
import {
  amount,
  amounts,
  bounds,
  confidenceField,
  horizonField,
  methodField,
  positiveAmount,
  pricesField,
  returnsField,
  symbolField,
} from '../request-fields.js';
import { asOfField } from './covariance.dto.js';

const bySymbol = z.record(symbolField, amount);
const matrixRows = z.array(amounts(1)).min(1).max(bounds.symbols);

/** `{SYMBOL: quantity}` or a list; a price is needed where no price history gives one. */
const positionsField = z.union([
  bySymbol,
  z
    .array(z.strictObject({ symbol: symbolField, quantity: amount, price: positiveAmount.optional() }))
    .min(1)
    .max(bounds.symbols),
]);

/**
 * Body of `POST /api/v1/risk/var`: a history (`returns` or `prices`) or a `covariance`, what is held (`weights` or
 * `positions`), and how to measure it. Lists follow the order of `symbols`, or of the series.
 */
export const varRequest = z
  .strictObject({
    returns: returnsField.optional(),
    prices: pricesField.optional(),
    covariance: z.union([matrixRows, z.record(symbolField, bySymbol)]).optional(),
    /** Mean one-day return by symbol, beside a covariance; default 0. */
    means: z.union([amounts(1), bySymbol]).optional(),
    symbols: z.array(symbolField).min(1).max(bounds.symbols).optional(),
    weights: z.union([amounts(1), bySymbol]).optional(),
    positions: positionsField.optional(),
    /** What weights are weights of; 1 makes the figures fractions. */
    portfolio_value: positiveAmount.optional(),
    as_of: asOfField,
    method: methodField.optional(),
    confidence: confidenceField.optional(),
    horizon_days: horizonField.optional(),
    options: z.strictObject(optionsInBody).optional(),
  })
  .superRefine((body, ctx) => {
    const given = (['returns', 'prices', 'covariance'] as const).filter((k) => body[k] !== undefined);
    const refuse = (path: string | string[], message: string): void =>
      ctx.addIssue({ code: 'custom', path: [path].flat(), message });
    if (given.length === 0) refuse('returns', 'returns, prices or covariance must be given');
    if (given.length > 1) refuse(given[1]!, `must not be given together with ${given[0]}`);
    if (body.weights !== undefined && body.positions !== undefined) {
      refuse('positions', 'must not be given together with weights');
    }
    if (body.portfolio_value !== undefined && body.positions !== undefined) {
      refuse('portfolio_value', 'must not be given together with positions: they have their own');
    }
    const { method, covariance } = contextOf(body);
    if (covariance !== null && (method === 'historical' || method === 'cornish_fisher')) {
      refuse('method', `${method} needs returns or prices, not a covariance`);
    }
    if (body.means !== undefined && covariance === null) {
      refuse('means', 'belong to a covariance: a history has its own');
    }
    if (body.means !== undefined && method === 'ewma') refuse('means', 'do not apply to ewma: it is about 0');
    for (const { name, message } of misplacedOptions(contextOf(body), body.options ?? {})) {
      refuse(['options', name], message);
    }
  })
  .transform(({ options: given = {}, ...body }) => {
    const { options, defaulted } = resolveOptions(contextOf(body), given);
    const known = withDefaults(body, methodDefaults);
    return {
      ...known,
      portfolio_value: body.portfolio_value ?? 1,
      options,
      /** Parameters that the request left to us. */
      defaulted: [
        ...known.defaulted,
        ...(body.positions === undefined && body.portfolio_value === undefined ? ['portfolio_value'] : []),
        ...(body.positions === undefined && body.weights === undefined ? ['weights'] : []),
        ...(body.covariance !== undefined && body.means === undefined ? ['means'] : []),
        ...(body.as_of === undefined ? ['as_of'] : []),
        ...defaulted.map((name) => `options.${name}`),
      ],
    };
  });

/** What is measured when nothing is said. */
const methodDefaults = {
  method: 'historical' as VarMethod,
  confidence: 0.99,
  horizon_days: 1,
};

const contextOf = (body: {
  readonly method?: VarMethod | undefined;
  readonly covariance?: unknown;
  readonly means?: unknown;
}): OptionContext => ({
  method: body.method ?? methodDefaults.method,
  covariance: body.covariance === undefined ? null : { means: body.means !== undefined },
});

export type VarRequest = z.output<typeof varRequest>;
