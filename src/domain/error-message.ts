import type { Problem } from './problem.js';

/** What a client calls its message; it comes back with the answer. */
export type MessageId = string | number;

/**
 * A {@link Problem} for a WebSocket client: what problem+json says, under the names that messages use, with the id of
 * the message that it answers (`null`: it had none that could be read).
 */
export function errorMessage(problem: Problem, id: MessageId | null | undefined): string {
  const { accepted, errors, retryAfterSeconds } = problem.extra;
  return JSON.stringify({
    type: 'error',
    id: id ?? null,
    code: problem.code,
    message: problem.detail,
    status: problem.status,
    detail: problem.detail,
    errors,
    accepted,
    retry_after_ms: retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1_000,
  });
}
