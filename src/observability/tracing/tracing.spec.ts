import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import {
  activeTrace,
  activeTraceId,
  beginRequest,
  beginsHere,
  inBatchSpan,
  inClientTrace,
  inSpan,
  outsideOfTraces,
  type TraceOrigin,
  traced,
} from './tracing.js';
import { setTracing } from './tracing-state.js';

const state = {
  endpoint: '',
  sampleRatio: 0,
  counts: { ended: 0, exported: 0, failed: 0 },
  flush: async () => {},
  shutdown: async () => {},
};
const exporter = new InMemorySpanExporter();
const traceparent = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
const spans = () => exporter.getFinishedSpans();
/** Runs work in a sampled trace of a client. */
const within = <R>(digit: string, work: () => R): R =>
  inClientTrace(traceparent(digit), 'request', undefined, work);
const originOf = (digit: string): TraceOrigin => within(digit, () => activeTrace() as TraceOrigin);

describe('tracing for stages', () => {
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    trace.setGlobalTracerProvider(
      new TracerProvider({
        sampler: new ParentBasedSampler({
          root: {
            shouldSample: (parent) => ({ decision: parent.getValue(beginsHere) === true ? 2 : 0 }),
            toString: () => 'as in production',
          },
        }),
        spanProcessors: [new SimpleSpanProcessor({ exporter })],
      }),
    );
  });
  beforeEach(() => exporter.reset());
  afterAll(() => {
    trace.disable();
    context.disable();
    propagation.disable();
  });

  it('records nothing outside of a sampled trace, and runs the work all the same', () => {
    const double = traced('double', (n: number) => n * 2);
    expect(double(4)).toBe(8);
    expect(inBatchSpan('flush', [null, null], undefined, () => 'done')).toBe('done');
    inClientTrace(undefined, 'unsampled', undefined, () => expect(activeTraceId()).toBeNull());
    expect(spans()).toEqual([]);
  });

  it('gives a handler a span within the trace of its caller', () => {
    const handle = traced(
      'handle',
      (n: number) => n + 1,
      (n) => ({ n }),
    );
    expect(within('1', () => handle(1))).toBe(2);
    const [inner, outer] = spans();
    expect(inner).toMatchObject({ name: 'handle', attributes: { n: 1 } });
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(outer?.spanContext().traceId).toBe('1'.repeat(32));
  });

  it('ends a span with its promise and marks an error', async () => {
    const failed = within('1', () => inSpan('work', undefined, () => Promise.reject(new Error('no'))));
    await expect(failed).rejects.toThrow('no');
    expect(spans().map(({ name, status }) => [name, status.code, status.message])).toEqual([
      ['work', 2, 'no'],
      ['request', 2, 'no'],
    ]);
  });

  it('goes on with a batch in the first of its traces and links the others, each once', () => {
    const [a, b] = [originOf('1'), originOf('2')];
    exporter.reset();
    inBatchSpan('flush', [null, a, b, a, b], undefined, () => expect(activeTraceId()).toBe('1'.repeat(32)));
    const [flush] = spans();
    expect(flush?.links.map((link) => link.context.traceId)).toEqual(['2'.repeat(32)]);
  });

  it('records a bounded number of spans below one batch', () => {
    const origin = originOf('1');
    exporter.reset();
    let ran = 0;
    inBatchSpan('flush', [origin], undefined, () => {
      for (let i = 0; i < 500; i++) inSpan('portfolio', undefined, () => ran++);
    });
    expect(ran).toBe(500);
    expect(spans()).toHaveLength(101);
  });

  it('keeps what outlives a request out of its trace', () => {
    within('3', () => {
      expect(outsideOfTraces(activeTraceId)).toBeNull();
      expect(activeTraceId()).toBe('3'.repeat(32));
    });
  });

  it('begins a trace for the share of the requests that is to be recorded, and none where the client does not', () => {
    const begun = () => beginRequest({}, 'GET /', {}) !== null;
    const unsampled = { traceparent: traceparent('1').replace(/01$/, '00') };
    setTracing({ ...state, sampleRatio: 1 });
    expect([begun(), beginRequest(unsampled, 'GET /', {})]).toEqual([true, null]);
    setTracing({ ...state, sampleRatio: 0 });
    expect(begun()).toBe(false);
    expect(beginRequest({ traceparent: traceparent('5') }, 'GET /', {})?.traceId).toBe('5'.repeat(32));
  });

  it('runs the callbacks of a request in its span, and marks the one that failed', () => {
    const request = beginRequest({ traceparent: traceparent('6') }, 'GET /x', { 'http.route': '/x' });
    request?.run(() => expect(activeTraceId()).toBe('6'.repeat(32)));
    expect(activeTraceId()).toBeNull();
    request?.end({ 'http.response.status_code': 503 }, 'HTTP 503');
    expect(spans()).toMatchObject([
      {
        name: 'GET /x',
        status: { code: 2, message: 'HTTP 503' },
        attributes: { 'http.route': '/x', 'http.response.status_code': 503 },
      },
    ]);
  });

  it('takes no nonsense for a trace context', () => {
    for (const wrong of ['', 'nonsense', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`]) {
      inClientTrace(wrong, 'request', undefined, () => expect(activeTraceId()).toBeNull());
    }
  });
});
