import { z } from 'zod';
import { withDefaults } from '../given-options.js';
import { finite, largestReturn, numbers, priceRule } from '../request-fields.js';
import { asOfField } from './covariance.dto.js';

const returnSeries = numbers(2, {
  test: (x) => x > -1 && x <= largestReturn,
  text: `must be a simple return, more than -1 and at most ${largestReturn}`,
});
/** A rate per period as a fraction: beyond ±100 % a period it is a percentage that was meant, or nonsense. */
const rateRule = 'must be a rate per period between -1 and 1, as a fraction: 0.0001 for 0.01 %';
const rate = finite.min(-1, rateRule).max(1, rateRule);
const rateSeries = numbers(1, { test: (x) => Math.abs(x) <= 1, text: rateRule });
const priceSeries = numbers(3, priceRule);

/** Body of `POST /api/v1/risk/performance`: one series, optionally its benchmark over the same periods. */
export const performanceRequest = z
  .strictObject({
    returns: returnSeries.optional(),
    prices: priceSeries.optional(),
    benchmark_returns: returnSeries.optional(),
    benchmark_prices: priceSeries.optional(),
    /** Per period; one rate, or one per return. */
    risk_free: z.union([rate, rateSeries], { error: rateRule }).optional(),
    /** Minimum acceptable return per period, for Sortino. */
    target: rate.optional(),
    periods_per_year: z.number().positive().max(31_536_000).optional(),
    as_of: asOfField,
  })
  .superRefine((body, ctx) => {
    const refuse = (path: string, message: string): void =>
      ctx.addIssue({ code: 'custom', path: [path], message });
    if ((body.returns === undefined) === (body.prices === undefined)) {
      refuse('returns', 'either returns or prices must be given');
      return;
    }
    if (body.benchmark_returns !== undefined && body.benchmark_prices !== undefined) {
      refuse('benchmark_prices', 'must not be given together with benchmark_returns');
      return;
    }
    const count = body.returns?.length ?? body.prices!.length - 1;
    const benchmark = body.benchmark_returns?.length ?? (body.benchmark_prices?.length ?? count + 1) - 1;
    if (benchmark !== count) {
      refuse(
        body.benchmark_returns ? 'benchmark_returns' : 'benchmark_prices',
        `covers ${benchmark} periods, the series ${count}`,
      );
    }
    if (Array.isArray(body.risk_free) && body.risk_free.length !== count) {
      refuse('risk_free', `has ${body.risk_free.length} rates for ${count} returns`);
    }
  })
  .transform((body) => {
    const known = withDefaults(body, {
      risk_free: 0 as number | number[],
      target: 0,
      periods_per_year: 252,
    });
    return body.as_of === undefined ? { ...known, defaulted: [...known.defaulted, 'as_of'] } : known;
  });

export type PerformanceRequest = z.output<typeof performanceRequest>;
