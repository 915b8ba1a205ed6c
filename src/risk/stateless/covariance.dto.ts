import { z } from 'zod';
import { covarianceEstimators } from '../compute/estimate-covariance.js';
import { pricesField, returnsField } from '../request-fields.js';

/** When the numbers of a stateless request are from. */
export const asOfField = z.union([z.iso.datetime({ offset: true }), z.number().int().positive()]).optional();

/** Body of `POST /api/v1/risk/covariance`. */
export const covarianceRequest = z
  .strictObject({
    returns: returnsField.optional(),
    prices: pricesField.optional(),
    estimator: z.enum(covarianceEstimators).default('sample'),
    ddof: z.literal([0, 1]).default(1),
    lambda: z.number().gt(0).lt(1).default(0.94),
    as_of: asOfField,
  })
  .superRefine((body, ctx) => {
    if ((body.returns === undefined) === (body.prices === undefined)) {
      ctx.addIssue({ code: 'custom', path: ['returns'], message: 'either returns or prices must be given' });
      return;
    }
    const [symbol, series] = Object.entries((body.returns ?? body.prices)!)[0]!;
    const count = body.returns ? series.length : series.length - 1;
    if (count > body.ddof) return;
    ctx.addIssue({
      code: 'custom',
      path: [body.returns ? 'returns' : 'prices', symbol],
      message: `is too short: ${count} return, more than ${body.ddof} are needed`,
    });
  });

export type CovarianceRequest = z.output<typeof covarianceRequest>;
