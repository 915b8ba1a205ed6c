import { z } from 'zod';
import { type CovarianceEstimator, covarianceEstimators } from '../compute/estimate-covariance.js';
import { withDefaults } from '../given-options.js';
import { latestMs, pricesField, returnsField } from '../request-fields.js';

/** When the numbers of a stateless request are from. */
export const asOfField = z
  .union([z.iso.datetime({ offset: true }), z.number().int().positive().max(latestMs)])
  .optional();

const defaults = { estimator: 'sample' as CovarianceEstimator, ddof: 1 as 0 | 1, lambda: 0.94 };
/** The parameters that an estimator has; Ledoit and Wolf shrink the population's covariance (`ddof` 0). */
const used: Readonly<Record<CovarianceEstimator, readonly string[]>> = {
  sample: ['ddof'],
  ewma: ['lambda'],
  ledoit_wolf: [],
};

/** Body of `POST /api/v1/risk/covariance`. */
export const covarianceRequest = z
  .strictObject({
    returns: returnsField.optional(),
    prices: pricesField.optional(),
    estimator: z.enum(covarianceEstimators).optional(),
    ddof: z
      .literal([0, 1])
      .transform((ddof): 0 | 1 => ddof)
      .optional(),
    lambda: z.number().gt(0).lt(1).optional(),
    as_of: asOfField,
  })
  .superRefine((body, ctx) => {
    if ((body.returns === undefined) === (body.prices === undefined)) {
      ctx.addIssue({ code: 'custom', path: ['returns'], message: 'either returns or prices must be given' });
      return;
    }
    const estimator = body.estimator ?? defaults.estimator;
    const implied = { ddof: estimator === 'ledoit_wolf' ? 0 : defaults.ddof, lambda: defaults.lambda };
    for (const name of ['ddof', 'lambda'] as const) {
      if (body[name] === undefined || used[estimator].includes(name) || body[name] === implied[name])
        continue;
      ctx.addIssue({ code: 'custom', path: [name], message: `does not apply to estimator ${estimator}` });
    }
    const [symbol, series] = Object.entries((body.returns ?? body.prices)!)[0]!;
    const count = body.returns ? series.length : series.length - 1;
    const ddof = body.ddof ?? defaults.ddof;
    if (count > ddof) return;
    ctx.addIssue({
      code: 'custom',
      path: [body.returns ? 'returns' : 'prices', symbol],
      message: `is too short: ${count} return, more than ${ddof} are needed`,
    });
  })
  .transform((body) => {
    const known = withDefaults(body, defaults);
    const defaulted = known.defaulted.filter(
      (name) => name === 'estimator' || used[known.estimator].includes(name),
    );
    return { ...known, defaulted: body.as_of === undefined ? [...defaulted, 'as_of'] : defaulted };
  });

export type CovarianceRequest = z.output<typeof covarianceRequest>;
