import { Problem } from '../../domain/problem.js';

/** HTTP's status for the same, what is wrong, and the field of the message that it is about. */
type Refusal = readonly [status: number, detail: string, pointer?: string];

/** What `/ws/stream` refuses: the connection lives, the message had no effect. Where HTTP refuses the same, so is the code. */
const refusals = {
  MALFORMED_JSON: [400, 'The message is not JSON.'],
  VALIDATION_FAILED: [422, 'A field is missing, unknown or out of range; errors names it.'],
  UNKNOWN_TYPE: [422, 'There is no message of this type.', '/type'],
  BINARY_UNSUPPORTED: [415, 'Only text messages are understood here.'],
  UNKNOWN_TOPIC: [400, 'There can be no topic of this name.', '/topic'],
  KEY_REQUIRED: [401, 'Send a valid API key first: {"type":"auth","token":"…"}.'],
  INVALID_TOKEN: [401, 'The token is not valid.', '/token'],
  FORBIDDEN_TOPIC: [403, 'The key may not see this topic.', '/topic'],
  ALREADY_SUBSCRIBED: [409, 'This connection has the topic already.', '/topic'],
  NOT_SUBSCRIBED: [409, 'This connection does not have the topic.', '/topic'],
  TOO_MANY_SUBSCRIPTIONS: [429, 'This connection has as many topics as it may.', '/topic'],
  RATE_LIMITED: [429, 'Too many messages; slow down.'],
  INTERNAL_ERROR: [500, 'The server failed; the message had no effect.'],
} as const satisfies Record<string, Refusal>;

export type ErrorCode = keyof typeof refusals;

/** The refusal of a code, naming its field. */
export function refusal(code: ErrorCode, detail?: string): Problem {
  const [status, usual, pointer]: Refusal = refusals[code];
  const message = detail ?? usual;
  return new Problem(status, code, message, {
    ...(pointer === undefined ? {} : { errors: [{ pointer, code, message }] }),
    ...(code === 'RATE_LIMITED' ? { retryAfterSeconds: 1 } : {}),
  });
}
