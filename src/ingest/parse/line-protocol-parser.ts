import type { MetricPoint } from '../../domain/metric-point.js';
import { LineParser } from './line-parser.js';
import { LineProtocolScanner, type Precision, precisions } from './line-protocol-scanner.js';
import { validPoint } from './metric-row.js';
import type { RowBatch } from './row-batch.js';
import { quoted, RowFault } from './row-fault.js';

/** Most fields of one line. */
const maxFields = 256;

const malformed = (what: string): RowFault => new RowFault('MALFORMED_ROW', what);

/**
 * InfluxDB line protocol: `measurement,tag=v,… field=1.5,other=2i 1381154400000000000`. One line makes one point per
 * field: the tag `portfolio_id` (or `portfolio`) says whose it is, the other tags become metadata, and the metric type
 * is the measurement for the field `value`, `measurement.field` for any other. A line without a timestamp happened
 * when it arrived. Text and boolean fields are no metrics: such a line is refused whole.
 */
export class LineProtocolParser extends LineParser<MetricPoint> {
  private readonly scanner: LineProtocolScanner;

  /** @param now Unix ms, for lines without a timestamp */
  constructor(
    private readonly precision: Precision,
    private readonly now: () => number,
  ) {
    super();
    this.scanner = new LineProtocolScanner(precision);
  }

  protected scan(buf: Uint8Array, at: number, end: number): number {
    return this.scanner.scan(buf, at, end);
  }

  protected addScanned(out: RowBatch<MetricPoint>): void {
    out.add(this.scanner.take(), this.nextIndex);
  }

  protected readLine(line: string, out: RowBatch<MetricPoint>): boolean {
    const text = line.trim();
    if (text.startsWith('#')) return false;
    const points = this.read(text);
    if (points instanceof RowFault) out.reject(this.nextIndex, points);
    else for (const point of points) out.add(point, this.nextIndex);
    return true;
  }

  private read(line: string): MetricPoint[] | RowFault {
    const sections = splitUnescaped(line, ' ', true);
    if (sections === undefined) return malformed('A quote is not closed.');
    const [series, fieldSet, stamp, ...rest] = sections.filter((section) => section !== '');
    if (series === undefined || fieldSet === undefined || rest.length > 0) {
      return malformed('Expected "measurement,tags fields timestamp".');
    }
    const tsMs = this.readStamp(stamp);
    if (tsMs instanceof RowFault) return tsMs;
    const [measurement, ...tagTexts] = splitUnescaped(series, ',', false) ?? [];
    const tags: Record<string, string> = Object.create(null);
    for (const text of tagTexts) {
      const pair = splitUnescaped(text, '=', false);
      if (pair?.length !== 2 || pair[0] === '' || pair[1] === '') {
        return malformed(`${quoted(text)} is not a tag like name=value.`);
      }
      tags[unescaped(pair[0]!)] = unescaped(pair[1]!);
    }
    const { portfolio_id: byId, portfolio, ...metadata } = tags;
    const fields = splitUnescaped(fieldSet, ',', true) ?? [];
    if (fields.length > maxFields) return malformed(`The line has more than ${maxFields} fields.`);
    const points: MetricPoint[] = [];
    for (const text of fields) {
      const equals = text.search(/(?<!\\)=/);
      if (equals < 1) return malformed(`${quoted(text)} is not a field like name=1.5.`);
      const name = unescaped(text.slice(0, equals));
      const point = validPoint({
        portfolio_id: byId ?? portfolio,
        metric_type:
          name === 'value' ? unescaped(measurement ?? '') : `${unescaped(measurement ?? '')}.${name}`,
        value: fieldNumber(text.slice(equals + 1)),
        timestamp: tsMs,
        metadata,
      });
      if (point instanceof RowFault) return point;
      points.push(point);
    }
    return points;
  }

  private readStamp(stamp: string | undefined): number | RowFault {
    if (stamp === undefined) return this.now();
    if (!/^-?\d{1,19}$/.test(stamp)) {
      return new RowFault('INVALID_TS', `timestamp is ${quoted(stamp)}; expected a whole number.`);
    }
    if (this.precision !== 'ns') return Number(stamp) / precisions[this.precision];
    // Nineteen digits do not fit a double: whole milliseconds and the rest are read apart.
    const whole = Number(stamp.slice(0, -6) || '0');
    return whole + Number(stamp.slice(-6)) / 1e6;
  }
}

/** A float, an integer (`1i`) or an unsigned integer (`1u`); anything else stays a text, for the message. */
function fieldNumber(text: string): number | string {
  const digits = /^[+-]?\d+[iu]$/.test(text) ? text.slice(0, -1) : text;
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(digits) ? Number(digits) : text;
}

/** A backslash stands before a comma, an equals sign, a blank or a quote that is meant as itself. */
const unescaped = (text: string): string =>
  text.includes('\\') ? text.replace(/\\([,= "\\])/g, '$1') : text;

/**
 * Cuts at a separator that no backslash precedes and, when asked, that is not within double quotes.
 * @returns `undefined` when a quote stays open
 */
function splitUnescaped(text: string, separator: string, honourQuotes: boolean): string[] | undefined {
  if (!text.includes('\\') && !(honourQuotes && text.includes('"'))) return text.split(separator);
  const parts: string[] = [];
  let from = 0;
  let quotes = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '\\') i++;
    else if (char === '"' && honourQuotes) quotes = !quotes;
    else if (char === separator && !quotes) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  if (quotes) return undefined;
  parts.push(text.slice(from));
  return parts;
}
