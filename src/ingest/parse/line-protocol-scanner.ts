import type { MetricPoint } from '../../domain/metric-point.js';
import { metricNames, portfolioNames } from './metric-row.js';
import { scanNumber, scanned } from './scan.js';
import { maxTsMs, minTsMs } from './timestamp.js';

/** Units of the timestamps, as InfluxDB's `precision` parameter names them → how many make a millisecond. */
export const precisions = { ns: 1e6, us: 1e3, ms: 1, s: 1e-3 } as const;
export type Precision = keyof typeof precisions;

const owners = ['portfolio_id=', 'portfolio='].map((text) => Buffer.from(text));
const valueField = Buffer.from('value=');

const comma = 0x2c;
const blank = 0x20;

/** Fast path for the plainest line: `measurement,portfolio_id=P value=1.5 1381154400000000000`. */
export class LineProtocolScanner {
  private readonly numbers = new Float64Array(2);
  private portfolioId = '';
  private metricType = '';

  constructor(private readonly precision: Precision) {}

  take(): MetricPoint {
    return {
      portfolioId: this.portfolioId,
      metricType: this.metricType,
      value: this.numbers[0]!,
      tsMs: this.numbers[1]!,
      metadata: null,
    };
  }

  /** @returns the offset behind the timestamp, or -1 */
  scan(buf: Uint8Array, at: number, end: number): number {
    let i = metricNames.scan(buf, at, end);
    if (i < 0 || buf[i] !== comma) return -1;
    this.metricType = metricNames.text;
    i++;
    const owner = owners.find((name) => startsWith(buf, i, end, name));
    if (owner === undefined) return -1;
    i = portfolioNames.scan(buf, i + owner.length, end);
    if (i < 0 || buf[i] !== blank || !startsWith(buf, i + 1, end, valueField)) return -1;
    this.portfolioId = portfolioNames.text;
    i = scanNumber(buf, i + 1 + valueField.length, end);
    if (i < 0 || buf[i] !== blank) return -1;
    this.numbers[0] = scanned[0]!;
    return this.stamp(buf, i + 1, end);
  }

  private stamp(buf: Uint8Array, at: number, end: number): number {
    let i = at;
    while (i < end && buf[i]! >= 0x30 && buf[i]! <= 0x39) i++;
    const length = i - at;
    let ms: number;
    if (this.precision === 'ns') {
      // Nineteen digits do not fit a double: whole milliseconds and the rest are read apart.
      if (length < 7 || length > 19) return -1;
      ms = digits(buf, at, i - 6) + digits(buf, i - 6, i) / 1e6;
    } else {
      if (length === 0 || length > 15 + (this.precision === 'us' ? 1 : 0)) return -1;
      const count = digits(buf, at, i);
      if (!Number.isSafeInteger(count)) return -1;
      ms = count / precisions[this.precision];
    }
    if (i >= end || ms < minTsMs || ms >= maxTsMs) return -1;
    this.numbers[1] = ms;
    return i;
  }
}

function digits(buf: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + (buf[i]! - 0x30);
  return value;
}

function startsWith(buf: Uint8Array, at: number, end: number, text: Uint8Array): boolean {
  if (at + text.length > end) return false;
  for (let k = 0; k < text.length; k++) if (buf[at + k] !== text[k]) return false;
  return true;
}
