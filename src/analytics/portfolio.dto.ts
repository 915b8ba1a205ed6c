import { z } from 'zod';
import { currencyCodes } from '../domain/currency.js';
import { maxPositions, maxQuantity, type Portfolio } from '../domain/portfolio.js';

export const portfolioId = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 _ . -');

const symbol = z
  .string()
  .regex(/^[A-Za-z0-9._:/-]{1,32}$/, 'must be 1 to 32 characters of A-Z a-z 0-9 . _ : / -');

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine(
      (value) => value.isWellFormed() && !value.includes('\u0000'),
      'must be well-formed text without U+0000',
    );

export const portfolioSchema = z.strictObject({
  name: text(200),
  currency: z.string().refine((code) => currencyCodes.has(code), 'must be an ISO 4217 code such as USD'),
  positions: z
    .array(z.strictObject({ symbol, quantity: z.number().min(-maxQuantity).max(maxQuantity) }))
    .max(maxPositions)
    .superRefine((positions, context) => {
      const seen = new Set<string>();
      positions.forEach(({ symbol }, index) => {
        if (seen.has(symbol)) {
          context.addIssue({ code: 'custom', path: [index, 'symbol'], message: `${symbol} is there twice` });
        }
        seen.add(symbol);
      });
    }),
});
export type PortfolioBody = z.output<typeof portfolioSchema>;

/** ISO 8601 with a zone, or Unix milliseconds; within what a database timestamp and a trade can mean. */
const timestamp = z
  .union([z.iso.datetime({ offset: true }).transform((value) => Date.parse(value)), z.number()])
  .refine((ms) => ms >= 0 && ms <= Date.UTC(2200, 0), 'must lie between 1970 and 2200');

export const tradesSchema = z
  .array(
    z.strictObject({
      id: text(128),
      ts: timestamp,
      symbol,
      side: z.enum(['buy', 'sell']),
      quantity: z.number().positive().max(maxQuantity),
      price: z.number().positive().max(maxQuantity),
    }),
  )
  .min(1)
  .max(1_000)
  .superRefine((trades, context) => {
    const seen = new Set<string>();
    trades.forEach(({ id }, index) => {
      if (seen.has(id))
        context.addIssue({ code: 'custom', path: [index, 'id'], message: `${id} is there twice` });
      seen.add(id);
    });
  });
export type TradesBody = z.output<typeof tradesSchema>;

export const pageSchema = z.strictObject({
  cursor: z.string().max(512).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});
export type Page = z.output<typeof pageSchema>;

export const portfolioView = (portfolio: Portfolio) => ({
  id: portfolio.id,
  name: portfolio.name,
  currency: portfolio.currency,
  positions: portfolio.positions,
  revision: portfolio.revision,
  updated_at: new Date(portfolio.updatedAtMs).toISOString(),
});
