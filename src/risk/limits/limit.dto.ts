import { z } from 'zod';

export const limitType = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'must be 1 to 64 characters of letters, digits and _.:-');
export const limitId = z.uuid();
/** Utilisation is a quotient by a threshold: one that is nearly 0 has none. */
const positive = z
  .number()
  .min(1e-30, 'must be a positive number, at least 1e-30')
  .max(1e30, 'must be at most 1e30');
const comment = z.string().trim().min(1).max(2_000);
/** Longest dwell and longest temporary increase. */
const maxDwellMs = 86_400_000;

const rules = {
  threshold_value: positive,
  warning_threshold: positive,
  clear_threshold: positive.nullable(),
  dwell_ms: z.number().int().min(0).max(maxDwellMs),
  active: z.boolean(),
};

/**
 * Body of `POST …/limits`. Thresholds are in the unit of the metric that `limit_type` names (money, or a fraction),
 * a loss positive.
 */
export const newLimit = z
  .strictObject({
    limit_type: limitType,
    threshold_value: rules.threshold_value,
    warning_threshold: rules.warning_threshold,
    clear_threshold: rules.clear_threshold.default(null),
    dwell_ms: rules.dwell_ms.default(0),
    active: rules.active.default(true),
    comment: comment.optional(),
  })
  .superRefine((body, ctx) => {
    for (const { field, message } of disorder(body)) ctx.addIssue({ code: 'custom', path: [field], message });
  });
export type NewLimit = z.output<typeof newLimit>;

/** Body of `PATCH`; what is left out stays. On the collection, `id` or `limit_type` says which limit. */
export const limitPatch = z
  .strictObject({
    id: limitId.optional(),
    limit_type: limitType.optional(),
    threshold_value: rules.threshold_value.optional(),
    warning_threshold: rules.warning_threshold.optional(),
    clear_threshold: rules.clear_threshold.optional(),
    dwell_ms: rules.dwell_ms.optional(),
    active: rules.active.optional(),
    comment: comment.optional(),
  })
  .refine(
    ({ id: _id, limit_type: _type, comment: _comment, ...change }) => Object.keys(change).length > 0,
    'nothing is changed: give threshold_value, warning_threshold, clear_threshold, dwell_ms or active',
  );
export type LimitPatch = z.output<typeof limitPatch>;

export const limitSelector = z.strictObject({ id: limitId.optional(), limit_type: limitType.optional() });
export type LimitSelector = z.output<typeof limitSelector>;

export const acknowledgement = z.strictObject({ comment });
export type Acknowledgement = z.output<typeof acknowledgement>;

/** Body of `POST …/limits/{limit}/increase`. */
export const increase = z.strictObject({
  threshold_value: positive,
  until: z.union([z.iso.datetime({ offset: true }), z.number().int().positive()]),
  comment,
});
export type Increase = z.output<typeof increase>;

export const eventPage = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.string().max(500).optional(),
});
export type EventPage = z.output<typeof eventPage>;

/** Thresholds that contradict each other. */
export function disorder(of: {
  readonly threshold_value: number;
  readonly warning_threshold: number;
  readonly clear_threshold: number | null;
}): { readonly field: string; readonly message: string }[] {
  const out: { field: string; message: string }[] = [];
  if (of.warning_threshold > of.threshold_value) {
    out.push({
      field: 'warning_threshold',
      message: `must not be above threshold_value (${of.threshold_value}); it is in the same unit`,
    });
  }
  if (of.clear_threshold !== null && of.clear_threshold > of.threshold_value) {
    out.push({
      field: 'clear_threshold',
      message: `must not be above threshold_value (${of.threshold_value})`,
    });
  }
  return out;
}
