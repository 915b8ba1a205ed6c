import { z } from 'zod';
import { periodsPerYear } from '../../kernel/periods-per-year.js';
import { defaultCapacity } from '../../kernel/stream-window.js';
import type { Annualisation } from '../figures-body.js';
import type { ComputeTask } from './compute-task.js';

const maxValues = 1_000_000;
const maxAnswers = 1_000;
/** Batch answers times their window: what one request may ask to be recomputed. */
const maxRecomputed = 50_000_000;

const daySeconds = 86_400;
const periods = { daily: daySeconds, weekly: 7 * daySeconds, hourly: 3_600, minute: 60, second: 1 } as const;

/** An array of finite numbers in one pass: a schema per element costs more than the calculation. */
const valuesField = z
  .array(z.unknown())
  .min(1)
  .max(maxValues)
  .transform((values, ctx): Float64Array => {
    const out = new Float64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const x = values[i];
      if (typeof x === 'number' && Number.isFinite(x)) {
        out[i] = x;
        continue;
      }
      ctx.addIssue({ code: 'custom', path: [i], message: 'must be a finite number' });
      return z.NEVER;
    }
    return out;
  });

const samplingField = z.union(
  [
    z.enum(['daily', 'weekly', 'hourly', 'minute', 'second']),
    z.strictObject({ period_seconds: z.number().positive().max(1e9) }),
    z.strictObject({ periods_per_year: z.number().positive().max(1e12) }),
  ],
  { error: 'must be daily, weekly, hourly, minute, second, {period_seconds} or {periods_per_year}' },
);

/** Body of `POST /api/v1/analytics/compute`. */
export const computeRequest = z
  .strictObject({
    values: valuesField.describe(`oldest first, at most ${maxValues}`),
    window: z
      .number()
      .int()
      .min(1)
      .max(maxValues)
      .default(defaultCapacity)
      .describe('most values per window'),
    at: z
      .array(z.number().int().min(1).max(maxValues))
      .min(1)
      .max(maxAnswers)
      .optional()
      .describe('counts of values at which to answer; default: after the last'),
    mode: z.enum(['stream', 'batch']).default('stream'),
    sampling: samplingField
      .default('daily')
      .describe('spacing of the values: what volatilities are annualised by; daily counts 252 a year'),
  })
  .transform((body, ctx): ComputeTask => {
    const at = [...new Set(body.at ?? [body.values.length])].sort((a, b) => a - b);
    const beyond = (body.at ?? []).findIndex((count) => count > body.values.length);
    if (beyond >= 0) {
      ctx.addIssue({
        code: 'custom',
        path: ['at', beyond],
        message: `there are ${body.values.length} values`,
      });
    }
    if (body.mode === 'batch' && at.length * Math.min(body.window, body.values.length) > maxRecomputed) {
      const message = `asks to recompute more than ${maxRecomputed} values: fewer counts, a shorter window or "stream"`;
      ctx.addIssue({ code: 'custom', path: ['at'], message });
    }
    return {
      values: body.values,
      window: body.window,
      at,
      mode: body.mode,
      annualisation: annualisationOf(body.sampling),
    };
  });

function annualisationOf(sampling: z.output<typeof samplingField>): Annualisation {
  if (typeof sampling === 'object' && 'periods_per_year' in sampling) {
    return { periodsPerYear: sampling.periods_per_year, samplingPeriodMs: Number.NaN };
  }
  const seconds = typeof sampling === 'string' ? periods[sampling] : sampling.period_seconds;
  const samplingPeriodMs = seconds * 1_000;
  return { periodsPerYear: periodsPerYear(samplingPeriodMs), samplingPeriodMs };
}
