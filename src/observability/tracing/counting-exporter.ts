import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { SpanCounts } from './tracing-state.js';

/** Counts what ends, what is exported and what is lost: a receiver that is away must show, and nowhere else. */
export class CountingExporter implements SpanExporter {
  readonly counts: SpanCounts = { ended: 0, exported: 0, failed: 0 };
  /** To be put before the processor that exports. */
  readonly endCounter: SpanProcessor = {
    onStart: () => {},
    onEnd: () => {
      this.counts.ended++;
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };

  constructor(private readonly target: SpanExporter) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.target.export(spans, (result) => {
      this.counts[result.code === ExportResultCode.SUCCESS ? 'exported' : 'failed'] += spans.length;
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.target.shutdown();
  }

  forceFlush(): Promise<void> {
    return this.target.forceFlush?.() ?? Promise.resolve();
  }
}
