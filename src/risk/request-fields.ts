import { z } from 'zod';
import { varMethods } from './compute/var-options.js';

/** Bounds of what one request may ask for. */
export const bounds = {
  symbols: 2_000,
  observations: 50_000,
  cells: 2_000_000,
  paths: 2_000_000,
  horizonDays: 2_520,
} as const;

export const symbolField = z
  .string()
  .regex(/^[A-Za-z0-9._:/-]{1,32}$/, 'must be 1 to 32 characters of letters, digits and ._:/-');
export const portfolioId = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 characters of letters, digits and _.-');

export const finite = z.number({ error: 'must be a finite number' });
/**
 * Beyond this nothing is a weight, a quantity, a price or money; within it no square, product or sum of a calculation
 * leaves the range of a double.
 */
const largestAmount = 1e30;
const amountRule = `must be a number between -${largestAmount} and ${largestAmount}`;
export const amount = z
  .number({ error: amountRule })
  .min(-largestAmount, amountRule)
  .max(largestAmount, amountRule);
export const amounts = (min: number) =>
  numbers(min, { test: (x) => Math.abs(x) <= largestAmount, text: amountRule });
const positiveRule = `must be more than 0 and at most ${largestAmount}`;
export const positiveAmount = z
  .number({ error: positiveRule })
  .positive(positiveRule)
  .max(largestAmount, positiveRule);
/** Latest moment that a date can hold, Unix ms. */
export const latestMs = 8.64e15;

/** In (0, 1): 95 and 1.5 are refused, not guessed at. */
const confidenceRule = 'must be between 0 and 1, exclusive: 0.99, not 99';
export const confidenceField = z
  .number({ error: confidenceRule })
  .gt(0, confidenceRule)
  .lt(1, confidenceRule);
export const confidenceParameter = z.coerce
  .number({ error: confidenceRule })
  .gt(0, confidenceRule)
  .lt(1, confidenceRule);
export const horizonField = z.number().int().min(1).max(bounds.horizonDays);
export const horizonParameter = z.coerce.number().int().min(1).max(bounds.horizonDays);
export const methodField = z.enum(varMethods);

/**
 * An array of finite numbers, checked in one pass: a schema per element would cost more than the calculation. The
 * first offending index is named.
 */
export function numbers(
  min: number,
  rule?: {
    /** @param before the number before it; NaN for the first */
    readonly test: (x: number, before: number) => boolean;
    readonly text: string;
  },
) {
  return z
    .array(z.unknown())
    .min(min)
    .max(bounds.observations)
    .transform((values, ctx): number[] => {
      for (let i = 0; i < values.length; i++) {
        const x = values[i];
        const text =
          typeof x !== 'number' || !Number.isFinite(x)
            ? 'must be a finite number'
            : rule === undefined || rule.test(x, i === 0 ? Number.NaN : (values[i - 1] as number))
              ? null
              : rule.text;
        if (text === null) continue;
        ctx.addIssue({ code: 'custom', path: [i], message: text });
        return z.NEVER;
      }
      return values as number[];
    });
}

/** Series by symbol, all equally long. */
export function seriesBySymbol(element: ReturnType<typeof numbers>) {
  return z.record(symbolField, element).superRefine((series, ctx) => {
    const entries = Object.entries(series);
    const first = entries[0];
    if (first === undefined) ctx.addIssue({ code: 'custom', message: 'must name at least one symbol' });
    if (entries.length > bounds.symbols) {
      ctx.addIssue({ code: 'custom', message: `must not name more than ${bounds.symbols} symbols` });
    }
    const cells = entries.reduce((sum, [, values]) => sum + values.length, 0);
    if (cells > bounds.cells) {
      ctx.addIssue({ code: 'custom', message: `must not hold more than ${bounds.cells} numbers` });
    }
    for (const [symbol, values] of entries) {
      if (values.length === first?.[1].length) continue;
      ctx.addIssue({
        code: 'custom',
        path: [symbol],
        message: `must be as long as ${first?.[0]}: ${first?.[1].length} values, not ${values.length}`,
      });
      return;
    }
  });
}

/** A million-fold gain in one period is no price; and products of such returns stay within the range of a double. */
export const largestReturn = 1e6;
export const returnsField = seriesBySymbol(
  numbers(1, {
    test: (x) => x >= -1 && x <= largestReturn,
    text: `must be a simple return, between -1 and ${largestReturn}`,
  }),
);
/** A positive price, at most so many times the one before. */
export const priceRule = {
  test: (x: number, before: number): boolean => x > 0 && !(x / before > largestReturn + 1),
  text: `must be a positive price, at most ${largestReturn} times the one before`,
};
export const pricesField = seriesBySymbol(numbers(2, priceRule));
