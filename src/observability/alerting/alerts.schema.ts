import { z } from 'zod';
import { parseDuration } from './duration.js';

/** ISO 8601 with a zone, or epoch milliseconds. @returns Unix ms */
const instant = z.union([
  z.number().finite().min(0).max(8.64e15),
  z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
]);
/** The same in a URL, where everything is text. */
const instantText = z.union([
  z
    .string()
    .regex(/^\d{1,16}$/)
    .transform(Number),
  z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
]);
const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  context.addIssue({ code: 'custom', message: 'must be a duration such as 90s or 5m' });
  return z.NEVER;
});
const who = z.string().min(1).max(100);
const comment = z.string().min(1).max(2_000);
const severity = z.enum(['warning', 'critical']);
const labels = z
  .record(z.string().min(1).max(100), z.string().max(200))
  .refine((record) => Object.keys(record).length <= 20, 'has more than 20 labels');

export const alertId = z.uuid();

export const listQuery = z.strictObject({
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(['pending', 'firing', 'resolved'])).min(1))
    .optional(),
  name: z.string().min(1).max(100).optional(),
  severity: severity.optional(),
  from: instantText.optional(),
  to: instantText.optional(),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

export const ackBody = z.strictObject({ comment, by: who.default('anonymous') });

export const testBody = z.strictObject({
  severity: severity.default('warning'),
  comment: comment.default('test of the way from here to you'),
  by: who.default('anonymous'),
});

const matchers = z.strictObject({
  name: z.string().min(1).max(100).optional(),
  severity: severity.optional(),
  threshold: z.string().min(1).max(100).optional(),
  instance: z.string().min(1).max(200).optional(),
  labels: labels.optional(),
});
const maxSpanMs = 90 * 86_400_000;
const span = { starts_at: instant.optional(), ends_at: instant.optional(), duration: duration.optional() };

interface Span {
  readonly starts_at?: number | undefined;
  readonly ends_at?: number | undefined;
  readonly duration?: number | undefined;
}

/** Start and end of a silence; it must end, and not later than in 90 days. */
function ends(body: Span, context: z.RefinementCtx): void {
  const { startsAtMs, endsAtMs } = spanOf(body, Date.now());
  const wrong = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  if ((body.ends_at === undefined) === (body.duration === undefined)) {
    wrong('ends_at', 'give either ends_at or duration: what has no end is forgotten');
  } else if (endsAtMs <= startsAtMs || endsAtMs <= Date.now()) {
    wrong(body.ends_at === undefined ? 'duration' : 'ends_at', 'ends before it starts');
  } else if (endsAtMs - startsAtMs > maxSpanMs) {
    wrong(body.ends_at === undefined ? 'duration' : 'ends_at', 'lasts longer than 90 days');
  }
}

export function spanOf(body: Span, nowMs: number): { startsAtMs: number; endsAtMs: number } {
  const startsAtMs = body.starts_at ?? nowMs;
  return { startsAtMs, endsAtMs: body.ends_at ?? startsAtMs + (body.duration ?? 0) };
}

export const silenceBody = z
  .strictObject({
    matchers: matchers.refine((m) => Object.keys(m).length > 0, 'a silence names what it silences'),
    comment,
    by: who.default('anonymous'),
    ...span,
  })
  .superRefine(ends);

/** Without matchers a maintenance window covers everything. */
export const maintenanceBody = z
  .strictObject({ matchers: matchers.default({}), comment, by: who.default('anonymous'), ...span })
  .superRefine(ends);

const condition = z.strictObject({
  direction: z.enum(['above', 'below']),
  threshold: z.number(),
  clear_threshold: z.number().optional(),
  inclusive: z.boolean().default(false),
  for: duration.default(0),
  keep_firing_for: duration.default(0),
});
const metricSource = z.strictObject({
  portfolio_id: z.string().min(1).max(64),
  metric_type: z.string().min(1).max(100),
});
const sampleList = z
  .array(z.strictObject({ ts: instant, value: z.number().nullable() }))
  .min(1)
  .max(100_000);

/**
 * What to replay and over what. Either `rule` (an alert of this server, optionally with another condition, over the
 * samples that were stored of its own signal), or a `condition` over a stored portfolio metric or over given samples.
 */
export const backtestBody = z
  .strictObject({
    rule: z.string().min(1).max(100).optional(),
    condition: condition.partial().optional(),
    labels: labels.optional(),
    metric: metricSource.optional(),
    samples: sampleList.optional(),
    from: instant.optional(),
    to: instant.optional(),
    max_gap: duration.optional(),
  })
  .superRefine((body, context) => {
    const sources = [body.rule, body.metric, body.samples].filter((source) => source !== undefined).length;
    const wrong = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (sources !== 1) wrong('rule', 'give exactly one of rule, metric, samples');
    if (
      body.rule === undefined &&
      (body.condition?.direction === undefined || body.condition.threshold === undefined)
    ) {
      wrong('condition', 'direction and threshold are needed where no rule is named');
    }
    if (body.from !== undefined && body.to !== undefined && body.from >= body.to) {
      wrong('to', 'is not after from');
    }
  });
export type BacktestBody = z.output<typeof backtestBody>;

export const runbookName = z.string().regex(/^[A-Za-z0-9]{1,100}$/, 'is the name of an alert');
