import { z } from 'zod';
import { maxHistoryPage } from '../store/history.repository.js';
import { parseResolution, type Resolution } from '../store/rollups/resolution.js';
import { portfolioId } from './portfolio.dto.js';

/** The metric that a portfolio's value is recorded under. */
const valueMetric = 'value';
const dayMs = 86_400_000;
const latestMs = Date.UTC(2200, 0);

const metricType = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 _ . : -');

const isoOrMs = z.union([
  z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
  z.iso.date().transform((text) => Date.parse(text)),
  z.number(),
]);
const moment = isoOrMs.refine((ms) => ms >= 0 && ms <= latestMs, 'must lie between 1970 and 2200');

/** In a URL a number is text too. */
const momentInUrl = z.preprocess(
  (value) => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value),
  moment,
);

const resolution = z
  .string()
  .max(32)
  .transform((text, context): Resolution | 'auto' => {
    const parsed = parseResolution(text);
    if (parsed !== null) return parsed;
    context.addIssue({
      code: 'custom',
      message:
        'must be auto, raw, or a whole number of minutes, hours or days such as 5m, 1h, 1d (up to 366d)',
    });
    return z.NEVER;
  });

const page = {
  gaps: z.enum(['omit', 'null', 'previous']).default('omit'),
  cursor: z.string().max(512).optional(),
};
const limit = z.number().int().min(1).max(maxHistoryPage);

/** The last day unless said otherwise. */
function withSpan<T extends { from?: number | undefined; to?: number | undefined }>(query: T) {
  const toMs = query.to ?? Date.now();
  return { ...query, toMs, fromMs: query.from ?? toMs - dayMs };
}
const spanIssue = { path: ['from'], message: 'must be before "to"' };

/** `GET …/history` */
export const historyQuery = z
  .strictObject({
    metric: metricType.default(valueMetric),
    from: momentInUrl.optional(),
    to: momentInUrl.optional(),
    resolution: resolution.default('auto'),
    ...page,
    limit: z.coerce.number().pipe(limit).optional(),
  })
  .transform(withSpan)
  .refine(({ fromMs, toMs }) => fromMs < toMs, spanIssue);
export type HistoryParameters = z.output<typeof historyQuery>;

/** `POST /api/v1/analytics/history` */
export const historyBody = z
  .strictObject({
    portfolio_ids: z.array(portfolioId).min(1).max(1_000),
    metric_types: z.array(metricType).min(1).max(100).optional(),
    from: moment,
    to: moment,
    bucket: resolution.default('auto'),
    ...page,
    limit: limit.optional(),
  })
  .transform(withSpan)
  .refine(({ fromMs, toMs }) => fromMs < toMs, spanIssue);
export type HistoryBody = z.output<typeof historyBody>;

export { portfolioId };
