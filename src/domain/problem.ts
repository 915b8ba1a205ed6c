/** One wrong field. `pointer` is an RFC 6901 JSON pointer into what the client sent (or `?name` for a query parameter). */
export interface FieldProblem {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

/**
 * An error the client can act on: the same object becomes `application/problem+json` over HTTP and a typed `error`
 * message over WebSocket. Anything that is not a `Problem` is a defect and is answered as a bare 500.
 */
export class Problem extends Error {
  override readonly name = 'Problem';

  /**
   * @param status HTTP status, 4xx or 503
   * @param code stable, UPPER_SNAKE_CASE: what clients switch on
   * @param detail one sentence for a human
   */
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly extra: {
      readonly errors?: readonly FieldProblem[];
      readonly retryAfterSeconds?: number;
      /** Rows of a request that failed on its way, durable before it did. */
      readonly accepted?: number;
      /** Response headers that belong to the error, such as `allow`. */
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(detail);
  }
}

export const notFound = (what: string, id: string): Problem =>
  new Problem(404, 'NOT_FOUND', `No ${what} has the id "${id}".`);

export const conflict = (code: string, detail: string): Problem => new Problem(409, code, detail);

export const unavailable = (code: string, detail: string, retryAfterSeconds = 1): Problem =>
  new Problem(503, code, detail, { retryAfterSeconds });

/** One field of a message that is wrong, with its JSON pointer; empty: the message itself. */
export const wrongField = (pointer: string, message: string, code = 'INVALID'): Problem =>
  new Problem(422, 'VALIDATION_FAILED', `${pointer || 'The message'} ${message}.`, {
    errors: [{ pointer, code, message }],
  });

/** @param accepted media types that may be sent instead */
export const unsupportedMediaType = (accepted: readonly string[]): Problem =>
  new Problem(415, 'UNSUPPORTED_MEDIA_TYPE', `Send ${accepted.join(' or ')}.`, {
    headers: { accept: accepted.join(', ') },
  });
