import type { MetricPoint } from '../domain/metric-point.js';
import { unsupportedMediaType } from '../domain/problem.js';
import type { Tick } from '../domain/tick.js';
import { requireUtf8 } from '../http/charset.js';
import { CsvParser } from './parse/csv-parser.js';
import { JsonDocumentParser } from './parse/json-document-parser.js';
import { LineProtocolParser } from './parse/line-protocol-parser.js';
import type { Precision } from './parse/line-protocol-scanner.js';
import { MetricRows } from './parse/metric-row.js';
import { NdjsonParser } from './parse/ndjson-parser.js';
import type { PushParser, RowKind } from './parse/push-parser.js';
import { TickRows } from './parse/tick-row.js';

export type BodyFormat = 'json' | 'ndjson' | 'csv' | 'line-protocol';

const formats: Readonly<Record<string, BodyFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'text/csv': 'csv',
  'text/plain': 'line-protocol',
};

/**
 * What a `Content-Type` says about an ingest body.
 * @throws Problem 415 for other types and for other character sets than UTF-8
 */
export function formatOf(contentType: string | undefined, kind: 'ticks' | 'metrics'): BodyFormat {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';', 1);
  const format = formats[type.trim()];
  if (format === undefined || (kind === 'ticks' && format === 'line-protocol')) {
    const accepted = ['application/json', 'application/x-ndjson', 'text/csv'];
    // InfluxDB line protocol.
    throw unsupportedMediaType(kind === 'ticks' ? accepted : [...accepted, 'text/plain']);
  }
  requireUtf8(contentType);
  return format;
}

function parserOf<Row>(format: 'json' | 'ndjson' | 'csv', kind: RowKind<Row>): PushParser<Row> {
  if (format === 'json') return new JsonDocumentParser(kind);
  return format === 'ndjson' ? new NdjsonParser(kind) : new CsvParser(kind);
}

export function tickParser(format: BodyFormat): PushParser<Tick> {
  if (format === 'line-protocol') throw new Error('ticks have no line protocol');
  return parserOf(format, new TickRows());
}

export function pointParser(
  format: BodyFormat,
  precision: Precision,
  now: () => number,
): PushParser<MetricPoint> {
  if (format === 'line-protocol') return new LineProtocolParser(precision, now);
  return parserOf(format, new MetricRows());
}
