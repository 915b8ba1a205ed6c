import { z } from 'zod';
import { withDefaults } from '../given-options.js';
import { confidenceField, finite, numbers } from '../request-fields.js';
import { asOfField } from './covariance.dto.js';

/**
 * Body of `POST /api/v1/risk/backtest`: what happened and what was forecast. A forecast is a VaR, a positive loss;
 * one number stands for every day.
 */
export const backtestRequest = z
  .strictObject({
    returns: numbers(2),
    forecasts: z.union([finite, numbers(2)]),
    confidence: confidenceField.optional(),
    as_of: asOfField,
  })
  .superRefine(({ returns, forecasts }, ctx) => {
    if (typeof forecasts === 'number' || forecasts.length === returns.length) return;
    ctx.addIssue({
      code: 'custom',
      path: ['forecasts'],
      message: `has ${forecasts.length} forecasts for ${returns.length} returns`,
    });
  })
  .transform((body) => {
    const known = withDefaults(body, { confidence: 0.99 });
    return body.as_of === undefined ? { ...known, defaulted: [...known.defaulted, 'as_of'] } : known;
  });

export type BacktestRequest = z.output<typeof backtestRequest>;
