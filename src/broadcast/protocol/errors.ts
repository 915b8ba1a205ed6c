/** Codes of `error` messages: the connection lives, the message had no effect. */
export const errorCodes = {
  INVALID_JSON: 'The message is not JSON.',
  INVALID_MESSAGE: 'A field is missing, unknown or out of range; `errors` names it.',
  UNKNOWN_TYPE: 'There is no message of this type.',
  BINARY_UNSUPPORTED: 'Only text messages are understood here.',
  UNKNOWN_TOPIC: 'There can be no topic of this name.',
  FORBIDDEN_TOPIC: 'The key may not see this topic.',
  UNAUTHENTICATED: 'Send a token first.',
  INVALID_TOKEN: 'The token is not valid.',
  ALREADY_SUBSCRIBED: 'This connection has the topic already.',
  NOT_SUBSCRIBED: 'This connection does not have the topic.',
  TOO_MANY_SUBSCRIPTIONS: 'This connection has as many topics as it may.',
  RATE_LIMITED: 'Too many messages; slow down.',
  UNAVAILABLE: 'A part of the server is away; try again.',
  INTERNAL: 'The server failed; the message had no effect.',
} as const;

export type ErrorCode = keyof typeof errorCodes;
