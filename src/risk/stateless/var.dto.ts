import { z } from 'zod';
import {
  bounds,
  confidenceField,
  finite,
  horizonField,
  methodField,
  numbers,
  optionsField,
  pricesField,
  returnsField,
  symbolField,
} from '../request-fields.js';

const bySymbol = z.record(symbolField, finite);
const matrixRows = z.array(numbers(1)).min(1).max(bounds.symbols);

/** `{SYMBOL: quantity}` or a list; a price is needed where no price history gives one. */
const positionsField = z.union([
  bySymbol,
  z
    .array(z.strictObject({ symbol: symbolField, quantity: finite, price: z.number().positive().optional() }))
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
    means: z.union([numbers(1), bySymbol]).optional(),
    symbols: z.array(symbolField).min(1).max(bounds.symbols).optional(),
    weights: z.union([numbers(1), bySymbol]).optional(),
    positions: positionsField.optional(),
    /** What weights are weights of; 1 makes the figures fractions. */
    portfolio_value: z.number().positive().default(1),
    as_of: z.union([z.iso.datetime({ offset: true }), z.number().int().positive()]).optional(),
    method: methodField.default('historical'),
    confidence: confidenceField.default(0.99),
    horizon_days: horizonField.default(1),
    options: optionsField.prefault({}),
  })
  .superRefine((body, ctx) => {
    const given = (['returns', 'prices', 'covariance'] as const).filter((k) => body[k] !== undefined);
    const refuse = (path: string, message: string): void =>
      ctx.addIssue({ code: 'custom', path: [path], message });
    if (given.length === 0) refuse('returns', 'returns, prices or covariance must be given');
    if (given.length > 1) refuse(given[1]!, `must not be given together with ${given[0]}`);
    if (body.weights !== undefined && body.positions !== undefined) {
      refuse('positions', 'must not be given together with weights');
    }
    const needsHistory = body.method === 'historical' || body.method === 'cornish_fisher';
    if (needsHistory && body.covariance !== undefined) {
      refuse('method', `${body.method} needs returns or prices, not a covariance`);
    }
    if (body.means !== undefined && body.covariance === undefined) {
      refuse('means', 'belong to a covariance: a history has its own');
    }
  });

export type VarRequest = z.output<typeof varRequest>;
