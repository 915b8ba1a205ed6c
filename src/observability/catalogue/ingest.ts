import { rejectCodes } from '../../domain/reject-codes.js';
import { counter, gauge } from '../metric-spec.js';

const kind = ['ticks', 'metrics'] as const;

/** Stages of the door: what arrives, what is refused, what waits. */
export const ingestRows = counter(
  'tidewatch_ingest_rows_total',
  'Rows that ingest has answered for, by what became of them.',
  { kind, outcome: ['accepted', 'duplicate', 'rejected'] },
);

export const ingestRejectedRows = counter(
  'tidewatch_ingest_rejected_rows_total',
  'Rows refused at the door or by the database, by reason.',
  {
    kind,
    code: [...rejectCodes, 'database'],
  },
);

export const ingestRequests = counter(
  'tidewatch_ingest_requests_total',
  'Requests to ingest by way and result: replayed answers an Idempotency-Key again, refused is a 4xx, unavailable a 503.',
  {
    kind,
    via: ['http', 'websocket', 'process'],
    result: ['stored', 'replayed', 'refused', 'unavailable', 'failed'],
  },
);

export const ingestBodyBytes = counter(
  'tidewatch_ingest_body_bytes_total',
  'Bytes of ingest bodies after decompression.',
  { format: ['json', 'ndjson', 'csv', 'line-protocol'] },
);

export const ingestBufferedRows = gauge(
  'tidewatch_ingest_buffered_rows',
  'Rows that have been parsed and are not durable yet.',
);

export const ingestBufferedBytes = gauge(
  'tidewatch_ingest_buffered_bytes',
  'Body bytes of the rows that have been parsed and are not durable yet.',
);

export const ingestBufferLimitRows = gauge(
  'tidewatch_ingest_buffer_limit_rows',
  'Buffered rows above which new requests are answered 503.',
);

export const ingestBackpressureWaits = counter(
  'tidewatch_ingest_backpressure_waits_total',
  'Times that an upload was paused because the writer was behind.',
  { kind },
);

export const ingestOutOfOrderTicks = counter(
  'tidewatch_ingest_out_of_order_ticks_total',
  'Stored ticks with a source time before the newest of their symbol.',
);

export const ingestKeyFailures = counter(
  'tidewatch_ingest_idempotency_failures_total',
  'Signs of life and releases of Idempotency-Keys that the database did not take.',
  { what: ['heartbeat', 'release'] },
);

export const ingestKeyWaits = counter(
  'tidewatch_ingest_idempotency_waits_total',
  'Requests that found their Idempotency-Key in use, by how the wait for the other attempt ended.',
  { outcome: ['decided', 'timeout', 'too_many'] },
);

export const ingestLateTicks = counter(
  'tidewatch_ingest_late_ticks_total',
  'Stored ticks with a source time more than a minute before the newest of their symbol.',
);
