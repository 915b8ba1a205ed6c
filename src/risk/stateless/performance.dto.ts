import { z } from 'zod';
import { finite, numbers } from '../request-fields.js';
import { asOfField } from './covariance.dto.js';

/** A million-fold gain in one period is no return; and products of such numbers stay within the range of a double. */
const largestReturn = 1e6;
const returnSeries = numbers(2, {
  test: (x) => x > -1 && x <= largestReturn,
  text: `must be a simple return, more than -1 and at most ${largestReturn}`,
});
const priceSeries = numbers(3, { test: (x) => x > 0, text: 'must be a positive price' });

/** Body of `POST /api/v1/risk/performance`: one series, optionally its benchmark over the same periods. */
export const performanceRequest = z
  .strictObject({
    returns: returnSeries.optional(),
    prices: priceSeries.optional(),
    benchmark_returns: returnSeries.optional(),
    benchmark_prices: priceSeries.optional(),
    /** Per period; one rate, or one per return. */
    risk_free: z.union([finite, numbers(1)]).default(0),
    /** Minimum acceptable return per period, for Sortino. */
    target: finite.default(0),
    periods_per_year: z.number().positive().max(31_536_000).default(252),
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
    if (typeof body.risk_free !== 'number' && body.risk_free.length !== count) {
      refuse('risk_free', `has ${body.risk_free.length} rates for ${count} returns`);
    }
  });

export type PerformanceRequest = z.output<typeof performanceRequest>;
