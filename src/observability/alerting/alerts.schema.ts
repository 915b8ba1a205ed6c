import { z } from 'zod';
import { parseDuration } from './duration.js';

/** The end of the year 9999: beyond it, times have no ISO 8601 form of four digits, and PostgreSQL's ends later. */
const lastInstantMs = 253_402_300_799_999;
const iso = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
/** ISO 8601 with a zone, or epoch milliseconds. @returns Unix ms */
const instant = z.union([z.number().min(0).max(lastInstantMs), iso], {
  error: 'must be an ISO 8601 time with its zone, or milliseconds since 1970, up to the year 9999',
});
/** The same in a URL, where everything is text. */
const instantText = z.union(
  [
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number)
      .pipe(z.number().max(lastInstantMs)),
    iso,
  ],
  { error: 'must be an ISO 8601 time with its zone, or milliseconds since 1970, up to the year 9999' },
);
/** What PostgreSQL can hold: U+0000 and half a surrogate pair it cannot. */
const storable = z
  .string()
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'holds a character that cannot be stored');
/** For people: spaces alone say nothing. */
const text = storable.trim();
/** A span that is empty is a mistake, and not "nothing happened". */
function inOrder(
  { from, to }: { from?: number | undefined; to?: number | undefined },
  context: z.RefinementCtx,
): void {
  if (from !== undefined && to !== undefined && from >= to)
    context.addIssue({ code: 'custom', path: ['to'], message: 'is not after from' });
}
const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  context.addIssue({ code: 'custom', message: 'must be a duration such as 90s or 5m' });
  return z.NEVER;
});
const who = text.min(1).max(100);
const comment = text.min(1).max(2_000);
const severity = z.enum(['warning', 'critical']);
const labels = z
  .record(storable.min(1).max(100), storable.max(200))
  .refine((record) => Object.keys(record).length <= 20, 'has more than 20 labels');

export const alertId = z.uuid();

export const listQuery = z
  .strictObject({
    state: z
      .string()
      .transform((text) => text.split(','))
      .pipe(z.array(z.enum(['pending', 'firing', 'resolved'])).min(1))
      .optional(),
    name: storable.min(1).max(100).optional(),
    severity: severity.optional(),
    from: instantText.optional(),
    to: instantText.optional(),
    cursor: z.string().max(200).optional(),
    limit: z.coerce.number().int().min(1).max(500).default(100),
  })
  .superRefine(inOrder);

export const ackBody = z.strictObject({ comment, by: who.default('anonymous') });

/** Nothing needs to be said: a bare POST is enough. */
export const testBody = z
  .strictObject({
    severity: severity.default('warning'),
    comment: comment.default('test of the way from here to you'),
    by: who.default('anonymous'),
  })
  .prefault({});

const matchers = z.strictObject({
  name: storable.min(1).max(100).optional(),
  severity: severity.optional(),
  threshold: storable.min(1).max(100).optional(),
  instance: storable.min(1).max(200).optional(),
  labels: labels.optional(),
});
const maxSpanMs = 90 * 86_400_000;
const maxAheadMs = 366 * 86_400_000;
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
  } else if (startsAtMs - Date.now() > maxAheadMs) {
    wrong('starts_at', 'is more than a year away');
  }
}

export function spanOf(body: Span, nowMs: number): { startsAtMs: number; endsAtMs: number } {
  const startsAtMs = body.starts_at ?? nowMs;
  return { startsAtMs, endsAtMs: body.ends_at ?? startsAtMs + (body.duration ?? 0) };
}

export const silenceBody = z
  .strictObject({
    matchers: matchers.refine(
      ({ labels: named = {}, ...rest }) => Object.keys({ ...named, ...rest }).length > 0,
      'a silence names what it silences',
    ),
    comment,
    by: who.default('anonymous'),
    ...span,
  })
  .superRefine(ends);

/** Without matchers a maintenance window covers everything. */
export const maintenanceBody = z
  .strictObject({ matchers: matchers.default({}), comment, by: who.default('anonymous'), ...span })
  .superRefine(ends);

/** What is not given is the rule's own, where one is named. */
const condition = z.strictObject({
  direction: z.enum(['above', 'below']).optional(),
  threshold: z.number().optional(),
  clear_threshold: z.number().optional(),
  inclusive: z.boolean().optional(),
  for: duration.optional(),
  keep_firing_for: duration.optional(),
});
const metricSource = z.strictObject({
  portfolio_id: storable.min(1).max(64),
  metric_type: storable.min(1).max(100),
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
    rule: storable.min(1).max(100).optional(),
    condition: condition.optional(),
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
    if (body.samples) {
      for (const name of ['from', 'to'] as const)
        if (body[name] !== undefined) wrong(name, 'is of stored samples; given ones are replayed whole');
    }
    if (body.labels && body.rule === undefined) wrong('labels', 'choose series of a rule, and none is named');
    inOrder({ from: body.from, to: body.to ?? Date.now() }, context);
  });
export type BacktestBody = z.output<typeof backtestBody>;

export const runbookName = z.string().regex(/^[A-Za-z0-9]{1,100}$/, 'is the name of an alert');
