import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { type FieldProblem, Problem } from '../domain/problem.js';

/** RFC 9457, with our extensions. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly FieldProblem[];
  /** Rows of an upload that were stored before it failed. */
  readonly accepted?: number;
  readonly trace_id: string;
}

export const problemContentType = 'application/problem+json';

/** Codes of errors that the framework raises before our own code runs. */
const frameworkCodes: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'INVALID_CONTENT_LENGTH',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'EMPTY_BODY',
  FST_ERR_CTP_INVALID_JSON_BODY: 'MALFORMED_JSON',
  FST_ERR_BAD_URL: 'MALFORMED_URL',
};

const statusCodes: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  409: 'CONFLICT',
  413: 'BODY_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'VALIDATION_FAILED',
  429: 'TOO_MANY_REQUESTS',
  431: 'HEADERS_TOO_LARGE',
  503: 'UNAVAILABLE',
};

/**
 * Turns anything thrown into a {@link Problem}; `undefined` for what is neither a Problem nor an HTTP error: a defect,
 * whose message must not reach the client.
 */
export function asProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  // The adapter wraps the framework's own error; the cause has its code.
  const source = error instanceof HttpException ? (error.cause ?? error) : error;
  const status = error instanceof HttpException ? error.getStatus() : clientStatus(error);
  if (status === undefined || !(error instanceof Error)) return undefined;
  if (status >= 500 && status !== 503) return undefined;
  const frameworkCode =
    source instanceof Error && 'code' in source ? frameworkCodes[String(source.code)] : undefined;
  return new Problem(status, frameworkCode ?? statusCodes[status] ?? 'BAD_REQUEST', error.message);
}

/** Errors of Fastify and Node carry the status that they mean. */
function clientStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const status = Number(error.statusCode);
  return status >= 400 && status < 500 ? status : undefined;
}

/** A defect: 500, nothing of its message. */
export const defect = new Problem(
  500,
  'INTERNAL_ERROR',
  'The server failed to answer; the log has the details.',
);

export function problemDetails(problem: Problem, traceId: string): ProblemDetails {
  const { errors, accepted } = problem.extra;
  return {
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    ...(errors === undefined ? {} : { errors }),
    ...(accepted === undefined ? {} : { accepted }),
    trace_id: traceId,
  };
}
