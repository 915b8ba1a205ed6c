import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  INVALID_SPAN_CONTEXT,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { tracing } from './tracing-state.js';

/**
 * What stages call. With tracing off, or outside of a sampled trace, each of these costs one look at the active context
 * and runs the work as it is.
 */

/** Links that one span may have: a flush may hold rows of thousands of requests. */
const maxLinks = 32;

/** Spans below one batch: a flush may move a thousand portfolios, and the first hundred tell the story. */
const maxSpansPerBatch = 100;
const budgetKey = createContextKey('spans left in this batch');
const notRecorded = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
/** Marks the context in which a trace that was chosen for recording begins; nothing else begins one. */
export const beginsHere = createContextKey('a trace begins here');

/** W3C Trace Context as clients send it in messages. */
export const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

const tracer = trace.getTracer('tidewatch');

/** Where in which trace something began. */
export type TraceOrigin = SpanContext;

/** The sampled span that is active now; `null` outside of one. */
export function activeTrace(): TraceOrigin | null {
  const active = trace.getActiveSpan()?.spanContext();
  // An invalid context has no flags; the full check with its patterns is too dear for every observation.
  return active !== undefined && (active.traceFlags & TraceFlags.SAMPLED) !== 0 ? active : null;
}

/** The trace id of the sampled span that is active now: what exemplars and log lines carry. */
export const activeTraceId = (): string | null => activeTrace()?.traceId ?? null;

/**
 * Gives a stage's handler a span of its own within the trace that its caller is in. Nothing is recorded outside of a
 * sampled trace.
 * @param attributes of the span, from the handler's arguments
 */
export function traced<A extends unknown[], R>(
  name: string,
  handler: (...args: A) => R,
  attributes?: (...args: A) => Attributes,
): (...args: A) => R {
  return (...args) =>
    activeTrace() === null ? handler(...args) : inSpan(name, attributes?.(...args), () => handler(...args));
}

/** Runs work within a span of the active trace; a promise ends it when it settles, an error marks it. */
export function inSpan<R>(name: string, attributes: Attributes | undefined, work: (span: Span) => R): R {
  if (activeTrace() === null) return work(notRecorded);
  const budget = context.active().getValue(budgetKey) as { left: number } | undefined;
  if (budget !== undefined && --budget.left < 0) return work(notRecorded);
  return tracer.startActiveSpan(name, { attributes }, (span) => finish(span, work));
}

/**
 * Runs work that belongs to several traces, as a flush does that commits the rows of many requests: it goes on within
 * the first of them, and is linked from the others.
 * @param traces what {@link activeTrace} gave when each piece was accepted
 */
export function inBatchSpan<R>(
  name: string,
  traces: readonly (TraceOrigin | null)[],
  attributes: Attributes | undefined,
  work: () => R,
): R {
  const [first, ...others] = distinct(traces);
  if (first === undefined) return work();
  const links: Link[] = others.slice(0, maxLinks).map((other) => ({ context: other }));
  const parent = trace.setSpanContext(ROOT_CONTEXT, first).setValue(budgetKey, { left: maxSpansPerBatch });
  return tracer.startActiveSpan(name, { attributes, links }, parent, (span) => finish(span, work));
}

/** What a client may send along: the headers of a request, or the same fields of a message. */
export interface TraceHeaders {
  readonly traceparent?: unknown;
  readonly [name: string]: unknown;
}

/**
 * Where the work of a client goes on: in the trace it is in when that is sampled, else, for the share of the requests
 * that is to be recorded, in a trace that begins here. Nothing is made for the others.
 * @returns `null`: not recorded
 */
function parentOf(headers: TraceHeaders): Context | null {
  if (typeof headers.traceparent === 'string') {
    const extracted = propagation.extract(ROOT_CONTEXT, headers);
    const parent = trace.getSpanContext(extracted);
    if (parent !== undefined) return (parent.traceFlags & TraceFlags.SAMPLED) === 0 ? null : extracted;
  }
  const ratio = tracing()?.sampleRatio ?? 0;
  return ratio > 0 && Math.random() < ratio ? ROOT_CONTEXT.setValue(beginsHere, true) : null;
}

/**
 * Runs work that a message of a client asks for, in the trace that the client is in, else in one of its own, sampled as
 * any other.
 * @param traceparent W3C Trace Context, as the client sent it
 */
export function inClientTrace<R>(
  traceparent: string | undefined,
  name: string,
  attributes: Attributes | undefined,
  work: (span: Span) => R,
): R {
  const parent = parentOf({ traceparent });
  if (parent === null) return work(notRecorded);
  return tracer.startActiveSpan(name, { attributes, kind: SpanKind.SERVER }, parent, (span) =>
    finish(span, work),
  );
}

/** The span of a request whose handling is spread over callbacks. */
export interface RequestSpan {
  readonly traceId: string;
  /** Runs one of the callbacks. */
  run(callback: () => void): void;
  /** @param error what marks the span as failed; `null` for none */
  end(attributes: Attributes, error: string | null): void;
}

/** Begins the span of a request; see {@link inClientTrace}. `null`: not recorded. */
export function beginRequest(
  headers: TraceHeaders,
  name: string,
  attributes: Attributes,
): RequestSpan | null {
  const parent = parentOf(headers);
  if (parent === null) return null;
  const span = tracer.startSpan(name, { attributes, kind: SpanKind.SERVER }, parent);
  const within = trace.setSpan(parent, span);
  return {
    traceId: span.spanContext().traceId,
    run: (callback) => context.with(within, callback),
    end: (more, error) => {
      span.setAttributes(more);
      if (error === null) span.end();
      else fail(span, error);
    },
  };
}

/** Ties a callback to the trace that is active now, for work that ends elsewhere. */
export const inThisTrace = <A extends unknown[], R>(work: (...args: A) => R): ((...args: A) => R) =>
  context.bind(context.active(), work);

/** Gives the delivery of an event a span within the trace that it happened in. */
export const traceEvent = (name: string, deliver: () => void): void =>
  activeTrace() === null ? deliver() : inSpan(name, undefined, deliver);

/** Runs work in no trace: timers and loops that outlive the request that happened to start them. */
export const outsideOfTraces = <R>(work: () => R): R => context.with(ROOT_CONTEXT, work);

function distinct(traces: readonly (TraceOrigin | null)[]): TraceOrigin[] {
  const seen = new Map<string, SpanContext>();
  for (const one of traces) {
    if (seen.size > maxLinks) break;
    if (one !== null && !seen.has(one.spanId)) seen.set(one.spanId, one);
  }
  return [...seen.values()];
}

function finish<R>(span: Span, work: (span: Span) => R): R {
  try {
    const result = work(span);
    if (!(result instanceof Promise)) {
      span.end();
      return result;
    }
    return result.then(
      (value: unknown) => {
        span.end();
        return value;
      },
      (error: unknown) => {
        fail(span, error);
        throw error;
      },
    ) as R;
  } catch (error) {
    fail(span, error);
    throw error;
  }
}

function fail(span: Span, error: unknown): void {
  span.setStatus({
    code: SpanStatusCode.ERROR,
    message: error instanceof Error ? error.message : String(error),
  });
  span.end();
}
