import { z } from 'zod';
import type { Principal } from '../../access/principal.js';
import { duplicateKey } from '../../domain/duplicate-key.js';
import type { MessageId } from '../../domain/error-message.js';
import { type Problem, wrongField } from '../../domain/problem.js';
import { validationProblem } from '../../http/schema-validation.pipe.js';
import { traceparentPattern } from '../../observability/tracing/tracing.js';
import type { RepositionReason } from '../broker/broker.js';
import type { Joined } from '../joined.js';
import type { SubscriptionOptions } from '../subscription.js';
import type { TopicLog } from '../topic-log.js';
import { type ErrorCode, refusal } from './errors.js';
import { carriesChanges } from './topics.js';

const id = z.union([z.string().max(64), z.number()]).optional();
const topic = z.string().min(1).max(128);
const position = z.strictObject({ epoch: z.string().min(1).max(64), offset: z.number().int().min(0) });
/** W3C Trace Context of the sender. */
const traceparent = z.string().regex(traceparentPattern).optional();

/** Positions of the topics of a family, by topic. */
const positions = z.record(topic, position);

const subscribeSchema = z.strictObject({
  type: z.literal('subscribe'),
  id,
  topic,
  policy: z.enum(['all', 'conflate']).default('all'),
  /** `conflate`: least time between two deliveries, ms. */
  every_ms: z.number().int().min(10).max(60_000).optional(),
  /** `conflate`: field of the data that tells apart what is conflated. */
  key: z.string().min(1).max(64).optional(),
  since: z.union([position, positions]).optional(),
  snapshot: z.boolean().default(true),
  /** RFC 7396 merge patches where they are smaller. */
  delta: z.boolean().default(false),
  traceparent,
});
export type Subscribe = z.output<typeof subscribeSchema>;

const unsubscribeSchema = z.strictObject({ type: z.literal('unsubscribe'), id, topic, traceparent });
export type Unsubscribe = z.output<typeof unsubscribeSchema>;

const authSchema = z.strictObject({
  type: z.literal('auth'),
  id,
  token: z.string().min(1).max(512),
  traceparent,
});

export type Auth = z.output<typeof authSchema>;

/** Other fields of a ping are the sender's own affair. */
const pingSchema = z.looseObject({
  type: z.literal('ping'),
  timestamp: z.union([z.number(), z.string().max(64), z.null()]),
});

const schemas = {
  subscribe: subscribeSchema,
  unsubscribe: unsubscribeSchema,
  auth: authSchema,
  ping: pingSchema,
} as const;

export type ClientMessage = {
  [K in keyof typeof schemas]: z.output<(typeof schemas)[K]>;
}[keyof typeof schemas];

/** Why a message could not be read, and its id as far as it has one. */
export interface Refused {
  readonly problem: Problem;
  readonly id: MessageId | undefined;
}

const idOf = (value: object): MessageId | undefined => {
  const candidate = (value as { id?: unknown }).id;
  return typeof candidate === 'number' || (typeof candidate === 'string' && candidate.length <= 64)
    ? candidate
    : undefined;
};

/** A message that is refused unread is not read any further than this for its id, bytes. */
const maxUnreadBytes = 4_096;

/** The id of a message that is refused unread; `null` where it has none, or is too long to be looked at. */
export function idIn(text: Buffer): MessageId | null {
  if (text.length > maxUnreadBytes) return null;
  try {
    return idOf(Object(JSON.parse(text.toString()))) ?? null;
  } catch {
    // Not JSON: it has no id.
    return null;
  }
}

/** Reads one message of a client. */
export function readMessage(text: string): ClientMessage | Refused {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const detail = `The message is not JSON: ${(error as Error).message}`;
    return { problem: refusal('MALFORMED_JSON', detail), id: undefined };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: wrongField('', 'is not a JSON object'), id: undefined };
  }
  const { type } = value as { type?: unknown };
  if (typeof type !== 'string' || !Object.hasOwn(schemas, type)) {
    return { problem: refusal('UNKNOWN_TYPE'), id: idOf(value) };
  }
  // Of what it asks for only one could be meant. The other fields of a ping are the sender's own affair.
  const twice = type === 'ping' ? undefined : duplicateKey(text, value);
  if (twice !== undefined) {
    return { problem: wrongField(twice, 'is given twice', 'DUPLICATE_KEY'), id: undefined };
  }
  const result = schemas[type as keyof typeof schemas].safeParse(value);
  if (result.success) return result.data;
  return { problem: validationProblem(result.error.issues, 'body'), id: idOf(value) };
}

export const isRefused = (message: ClientMessage | Refused): message is Refused => 'problem' in message;

export const defaultEveryMs = 100;

/** The options of a subscription with defaults applied. */
export const optionsOf = (message: Subscribe): SubscriptionOptions => ({
  policy: message.policy,
  everyMs: message.policy === 'conflate' ? (message.every_ms ?? defaultEveryMs) : 0,
  key: message.policy === 'conflate' ? (message.key ?? null) : null,
  // A patch applies to the message before, and their snapshot is not that.
  delta: message.delta && !carriesChanges(message.topic),
});

/** Combinations that no schema of single fields refuses. */
export function conflictIn(message: Subscribe): Problem | undefined {
  if (message.policy === 'all' && message.every_ms !== undefined) {
    return wrongField('/every_ms', 'belongs to the policy "conflate"');
  }
  if (message.policy === 'all' && message.key !== undefined) {
    return wrongField('/key', 'belongs to the policy "conflate"');
  }
  if (message.key !== undefined && message.delta) {
    return wrongField('/delta', 'cannot be combined with key');
  }
  return undefined;
}

// ── what the server says ───────────────────────────────────────────────────────────────────────────────────────────

/** The value of `snapshot` is JSON already. */
const withSnapshot = (head: Readonly<Record<string, unknown>>, snapshot: string | null): string => {
  const text = JSON.stringify(head);
  return snapshot === null ? text : `${text.slice(0, -1)},"snapshot":${snapshot}}`;
};

/** Where a topic stands for whoever has just subscribed. */
export const positionView = (joined: Joined) => ({
  topic: joined.topic,
  epoch: joined.position.epoch,
  offset: joined.position.offset,
  recovered: joined.recovered,
  reason: joined.reason,
  snapshot: joined.last?.data ?? null,
  snapshot_reason: joined.emptyReason,
});

export function subscribedText(message: Subscribe, options: SubscriptionOptions, joined: Joined): string {
  return withSnapshot(
    {
      type: 'subscribed',
      id: message.id,
      topic: message.topic,
      policy: options.policy,
      every_ms: options.policy === 'conflate' ? options.everyMs : undefined,
      delta: options.delta || undefined,
      epoch: joined.position.epoch,
      offset: joined.position.offset,
      recovered: joined.recovered,
      reason: joined.reason,
      snapshot_reason: message.snapshot ? joined.emptyReason : undefined,
    },
    message.snapshot ? (joined.last?.body ?? 'null') : null,
  );
}

/** Topics of a family that the answer does not name: their messages come, what was missed of them does not. */
export const leftOut = (beyond: number) =>
  beyond === 0 ? {} : ({ reason: 'too_many_topics', topics_left_out: beyond } as const);

export function subscribedFamilyText(
  message: Subscribe,
  options: SubscriptionOptions,
  joined: readonly Joined[],
  beyond: number,
): string {
  const snapshot = joined.map((j) => `${JSON.stringify(j.topic)}:${j.last?.body ?? 'null'}`).join(',');
  return withSnapshot(
    {
      type: 'subscribed',
      id: message.id,
      topic: message.topic,
      policy: options.policy,
      every_ms: options.policy === 'conflate' ? options.everyMs : undefined,
      delta: options.delta || undefined,
      recovered: beyond === 0 && joined.length > 0 && joined.every((j) => j.recovered),
      ...leftOut(beyond),
      topics: joined.map((j) => ({
        topic: j.topic,
        epoch: j.position.epoch,
        offset: j.position.offset,
        recovered: j.recovered,
        reason: j.reason,
        snapshot_reason: message.snapshot ? j.emptyReason : undefined,
      })),
    },
    message.snapshot ? `{${snapshot}}` : null,
  );
}

export const unsubscribedText = (
  requestId: MessageId | undefined,
  name: string,
  reason?: ErrorCode,
): string => JSON.stringify({ type: 'unsubscribed', id: requestId, topic: name, reason });

export const authenticatedText = (requestId: MessageId | undefined, principal: Principal): string =>
  JSON.stringify({
    type: 'authenticated',
    id: requestId,
    key: principal.id,
    scopes: [...principal.scopes],
    expires_at: principal.expiresAtMs === null ? null : new Date(principal.expiresAtMs).toISOString(),
  });

/** The positions of a topic go on under another epoch. */
export const repositionedText = (log: TopicLog, reason: RepositionReason, lost: number | null): string =>
  JSON.stringify({ type: 'position', topic: log.name, epoch: log.epoch, offset: log.offset, reason, lost });

/** Answers a ping that the fast way did not recognise; the timestamp goes back as it came. */
export const pongText = (timestamp: number | string | null, nowMs: number): string =>
  JSON.stringify({ type: 'pong', timestamp, server_time: nowMs });
