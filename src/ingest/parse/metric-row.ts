import type { MetricPoint } from '../../domain/metric-point.js';
import { bindColumns, cellNumber } from './csv-header.js';
import { type CellReader, scanRecord } from './csv-record-scanner.js';
import { keyIs, type MemberReader, scanObject } from './json-object-scanner.js';
import { readMetadata } from './metadata.js';
import type { CsvBinding, RowKind } from './push-parser.js';
import { notAnObject, quoted, RowFault } from './row-fault.js';
import { byteClass, IdentifierScanner, scanIso, scanNumber, scanned } from './scan.js';
import { parseJson } from './text.js';
import { maxTsMs, minTsMs, readTs } from './timestamp.js';

const maxNameLength = 64;
const portfolioIdPattern = /^[A-Za-z0-9_.-]{1,64}$/;
const portfolioIdBytes = byteClass(/[A-Za-z0-9_.-]/);
const metricTypePattern = /^[A-Za-z0-9_.:-]{1,64}$/;
const metricTypeBytes = byteClass(/[A-Za-z0-9_.:-]/);

const aliases = {
  portfolio_id: ['portfolio_id', 'portfolio'],
  metric_type: ['metric_type', 'metric'],
  value: ['value'],
  timestamp: ['timestamp', 'ts', 'ts_ms', 'time'],
  metadata: ['metadata'],
} as const;
type Field = keyof typeof aliases;

const isField = (key: string): key is Field =>
  key === 'portfolio_id' ||
  key === 'metric_type' ||
  key === 'value' ||
  key === 'timestamp' ||
  key === 'metadata';

const requiredFields = ['portfolio_id', 'metric_type', 'value', 'timestamp'] as const;

/** The rules of a metric point, whatever it was written in. */
export function validPoint(values: Readonly<Partial<Record<Field, unknown>>>): MetricPoint | RowFault {
  for (const field of requiredFields) {
    if (values[field] === undefined) return new RowFault('MISSING_FIELD', `${field} is missing.`);
  }
  const { portfolio_id: portfolioId, metric_type: metricType, value } = values;
  if (typeof portfolioId !== 'string' || !portfolioIdPattern.test(portfolioId)) {
    return new RowFault(
      'INVALID_PORTFOLIO_ID',
      `portfolio_id is ${quoted(portfolioId)}; expected 1 to ${maxNameLength} characters of A-Z a-z 0-9 _ . -`,
    );
  }
  if (typeof metricType !== 'string' || !metricTypePattern.test(metricType)) {
    return new RowFault(
      'INVALID_METRIC_TYPE',
      `metric_type is ${quoted(metricType)}; expected 1 to ${maxNameLength} characters of A-Z a-z 0-9 _ . : -`,
    );
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return new RowFault('INVALID_VALUE', `value is ${quoted(value)}; expected a finite number.`);
  }
  const tsMs = readTs(values.timestamp, 'timestamp');
  if (tsMs instanceof RowFault) return tsMs;
  const metadata = readMetadata(values.metadata);
  if (metadata instanceof RowFault) return metadata;
  return { portfolioId, metricType, value, tsMs, metadata };
}

/** Bits for the fields that a scanned record has given. */
const seenPortfolio = 1;
const seenMetric = 2;
const seenValue = 4;
const seenTs = 8;
const required = seenPortfolio | seenMetric | seenValue | seenTs;

export const portfolioNames = new IdentifierScanner(portfolioIdBytes, maxNameLength);
export const metricNames = new IdentifierScanner(metricTypeBytes, maxNameLength);

/** The fields of the record that is being scanned. Points with metadata take the slow path. */
class PointScratch {
  private readonly numbers = new Float64Array(2);
  private portfolioId = '';
  private metricType = '';
  private seen = 0;

  reset(): void {
    this.seen = 0;
  }

  get complete(): boolean {
    return this.seen === required;
  }

  take(): MetricPoint {
    return {
      portfolioId: this.portfolioId,
      metricType: this.metricType,
      value: this.numbers[0]!,
      tsMs: this.numbers[1]!,
      metadata: null,
    };
  }

  /** A second value for a field is left to the slow path. */
  private first(field: number): boolean {
    if ((this.seen & field) !== 0) return false;
    this.seen |= field;
    return true;
  }

  readPortfolio(buf: Uint8Array, at: number, end: number): number {
    const next = portfolioNames.scan(buf, at, end);
    if (next < 0 || !this.first(seenPortfolio)) return -1;
    this.portfolioId = portfolioNames.text;
    return next;
  }

  readMetric(buf: Uint8Array, at: number, end: number): number {
    const next = metricNames.scan(buf, at, end);
    if (next < 0 || !this.first(seenMetric)) return -1;
    this.metricType = metricNames.text;
    return next;
  }

  readValue(buf: Uint8Array, at: number, end: number): number {
    const next = scanNumber(buf, at, end);
    if (next < 0 || !this.first(seenValue)) return -1;
    this.numbers[0] = scanned[0]!;
    return next;
  }

  readTs(buf: Uint8Array, at: number, end: number, isText: boolean): number {
    const next = isText ? scanIso(buf, at, end) : scanNumber(buf, at, end);
    const ms = scanned[0]!;
    if (next < 0 || ms < minTsMs || ms >= maxTsMs || !this.first(seenTs)) return -1;
    this.numbers[1] = ms;
    return next;
  }
}

/** Metric points: `{portfolio_id, metric_type, value, timestamp, metadata?}`. */
export class MetricRows implements RowKind<MetricPoint> {
  readonly arrayKey = 'points';
  private readonly scratch = new PointScratch();
  private readonly members = new PointMembers(this.scratch);

  take(): MetricPoint {
    return this.scratch.take();
  }

  scanJson(buf: Uint8Array, at: number, end: number): number {
    return scanObject(this.members, buf, at, end);
  }

  fromJson(value: unknown): MetricPoint | RowFault {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return notAnObject;
    for (const key of Object.keys(value)) {
      if (!isField(key)) return new RowFault('UNKNOWN_FIELD', `${quoted(key)} is not a field of a point.`);
    }
    return validPoint(value);
  }

  bindCsv(header: readonly string[], delimiter: number): CsvBinding<MetricPoint> {
    const { fields, ignored } = bindColumns<Field>(header, aliases, requiredFields);
    return new PointCsv(fields, ignored, delimiter);
  }
}

class PointMembers implements MemberReader {
  constructor(private readonly scratch: PointScratch) {}

  reset(): void {
    this.scratch.reset();
  }

  get complete(): boolean {
    return this.scratch.complete;
  }

  read(buf: Uint8Array, key: number, keyLength: number, at: number, end: number, isText: boolean): number {
    const scratch = this.scratch;
    switch (keyLength) {
      case 5:
        return !isText && keyIs(buf, key, 'value') ? scratch.readValue(buf, at, end) : -1;
      case 9:
        return keyIs(buf, key, 'timestamp') ? scratch.readTs(buf, at, end, isText) : -1;
      case 11:
        return isText && keyIs(buf, key, 'metric_type') ? scratch.readMetric(buf, at, end) : -1;
      case 12:
        return isText && keyIs(buf, key, 'portfolio_id') ? scratch.readPortfolio(buf, at, end) : -1;
      default:
        return -1;
    }
  }
}

class PointCsv implements CsvBinding<MetricPoint>, CellReader<Field> {
  private readonly scratch = new PointScratch();

  constructor(
    private readonly fields: readonly (Field | undefined)[],
    readonly ignored: readonly string[],
    private readonly delimiter: number,
  ) {}

  take(): MetricPoint {
    return this.scratch.take();
  }

  reset(): void {
    this.scratch.reset();
  }

  get complete(): boolean {
    return this.scratch.complete;
  }

  scan(buf: Uint8Array, at: number, end: number): number {
    return scanRecord(this, this.fields, this.delimiter, buf, at, end);
  }

  read(buf: Uint8Array, field: Field, at: number, end: number): number {
    const scratch = this.scratch;
    switch (field) {
      case 'portfolio_id':
        return scratch.readPortfolio(buf, at, end);
      case 'metric_type':
        return scratch.readMetric(buf, at, end);
      case 'value':
        return scratch.readValue(buf, at, end);
      case 'timestamp':
        return scratch.readTs(buf, at, end, at + 4 < end && buf[at + 4] === 0x2d);
      case 'metadata':
        return -1;
    }
  }

  fromCells(cells: readonly string[]): MetricPoint | RowFault {
    const values: Partial<Record<Field, unknown>> = {};
    this.fields.forEach((field, column) => {
      const cell = cells[column]?.trim() ?? '';
      if (field === undefined || cell === '') return;
      if (field === 'portfolio_id' || field === 'metric_type') values[field] = cell;
      // What is no JSON stays a text, and is refused as one.
      else if (field === 'metadata') values[field] = parseJson(cell) ?? cell;
      else values[field] = cellNumber(cell);
    });
    return validPoint(values);
  }
}
