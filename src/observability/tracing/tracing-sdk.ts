import { hostname } from 'node:os';
import { context, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { register as interceptImports } from 'import-in-the-middle/register-hooks.mjs';
import { CountingExporter } from './counting-exporter.js';
import { beginsHere } from './tracing.js';
import { setTracing } from './tracing-state.js';

export interface TracingSettings {
  /** Base URL of an OTLP/HTTP receiver; spans go to `/v1/traces` below it. */
  readonly endpoint: string;
  /** Share of the traces that start here which are recorded, 0–1; a client's own decision stands. */
  readonly sampleRatio: number;
}

/** Spans that wait for export; beyond it they are dropped and counted. */
const maxQueueSize = 4_096;
const exportEveryMs = 2_000;
const exportTimeoutMs = 5_000;

/** What begins a trace has thrown the dice before it: so that what is not recorded costs nothing more. */
const onlyWhereItBegins: Sampler = {
  shouldSample: (parent) => ({
    decision:
      parent.getValue(beginsHere) === true
        ? SamplingDecision.RECORD_AND_SAMPLED
        : SamplingDecision.NOT_RECORD,
  }),
  toString: () => 'onlyWhereItBegins',
};

/**
 * Starts recording. Must run before anything imports pg or ioredis, which is why `instrumentation.ts` is loaded
 * with `--import`: what is already loaded cannot be hooked any more.
 */
export function startTracing({ endpoint, sampleRatio }: TracingSettings): void {
  // The SDK's own complaints (a receiver that is away) are counted by the exporter; on the terminal they are noise.
  diag.setLogger({ verbose() {}, debug() {}, info() {}, warn() {}, error() {} }, DiagLogLevel.ERROR);
  const exporter = new CountingExporter(
    new OTLPTraceExporter({
      url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
      timeoutMillis: exportTimeoutMs,
      concurrencyLimit: 2,
    }),
  );
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize,
    scheduledDelayMillis: exportEveryMs,
    exportTimeoutMillis: exportTimeoutMs,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'tidewatch',
      'service.instance.id': `${hostname()}:${process.pid}`,
      'process.pid': process.pid,
      'process.runtime.version': process.version,
    }),
    sampler: new ParentBasedSampler({ root: onlyWhereItBegins }),
    spanLimits: {
      attributeCountLimit: 32,
      attributeValueLengthLimit: 512,
      linkCountLimit: 32,
      eventCountLimit: 16,
    },
    spanProcessors: [exporter.endCounter, processor],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  interceptImports({ include: ['pg', 'pg-pool', 'ioredis'] });
  registerInstrumentations({ tracerProvider: provider, instrumentations: instrumentations() });
  setTracing({
    endpoint,
    sampleRatio,
    counts: exporter.counts,
    flush: () => provider.forceFlush({ timeoutMillis: exportTimeoutMs }),
    shutdown: () => provider.shutdown(),
  });
}

const instrumentations = () => [
  // Statements outside of a trace (collectors, maintenance) are not worth a trace of their own.
  new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true }),
  new IORedisInstrumentation({ requireParentSpan: true }),
];
