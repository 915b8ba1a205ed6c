import { rejectCodes } from '../domain/reject-codes.js';
import {
  ingestBackpressureWaits,
  ingestBodyBytes,
  ingestRejectedRows,
  ingestRequests,
  ingestRows,
} from '../observability/catalogue/ingest.js';
import type { CounterHandle, Metrics } from '../observability/metrics.js';
import type { BodyFormat } from './body-format.js';

export type IngestVia = 'http' | 'websocket' | 'process';
export type IngestResult = 'stored' | 'replayed' | 'refused' | 'unavailable' | 'failed';

/** The counters of one kind of row, bound once. */
export class IngestMeter {
  readonly accepted: CounterHandle;
  readonly duplicate: CounterHandle;
  readonly waits: CounterHandle;
  private readonly rejectedRows: CounterHandle;
  private readonly byCode = new Map<string, CounterHandle>();
  private readonly byDatabase: CounterHandle;

  constructor(
    private readonly metrics: Metrics,
    private readonly kind: 'ticks' | 'metrics',
  ) {
    this.accepted = metrics.counter(ingestRows, { kind, outcome: 'accepted' });
    this.duplicate = metrics.counter(ingestRows, { kind, outcome: 'duplicate' });
    this.rejectedRows = metrics.counter(ingestRows, { kind, outcome: 'rejected' });
    this.waits = metrics.counter(ingestBackpressureWaits, { kind });
    for (const code of rejectCodes) {
      this.byCode.set(code, metrics.counter(ingestRejectedRows, { kind, code }));
    }
    this.byDatabase = metrics.counter(ingestRejectedRows, { kind, code: 'database' });
  }

  rejected(rejections: readonly { readonly code: string }[]): void {
    this.rejectedRows.inc(rejections.length);
    for (const { code } of rejections) (this.byCode.get(code) ?? this.byDatabase).inc();
  }

  request(via: IngestVia, result: IngestResult): void {
    this.metrics.counter(ingestRequests, { kind: this.kind, via, result }).inc();
  }

  bodyBytes(format: BodyFormat): CounterHandle {
    return this.metrics.counter(ingestBodyBytes, { format });
  }
}
