import type { MetricPoint } from '../../domain/metric-point.js';
import type { Tick } from '../../domain/tick.js';
import type { RowBatch } from '../../ingest/parse/row-batch.js';

/** Distinct symbols or portfolios that are told apart. */
const maxNames = 10_000;
const maxExamples = 5;

/** What a file holds, without its rows. */
export class FileSummary {
  rows = 0;
  rejected = 0;
  outOfOrder = 0;
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;
  /** Rows of each symbol or portfolio. */
  readonly names = new Map<string, number>();
  /** The first rejections: `row 17: INVALID_PRICE …`. */
  readonly examples: string[] = [];
  readonly rejectedBy = new Map<string, number>();

  add(batch: RowBatch<Tick | MetricPoint>): void {
    for (const row of batch.rows) {
      const name = 'symbol' in row ? row.symbol : row.portfolioId;
      const seen = this.names.get(name);
      if (seen !== undefined || this.names.size < maxNames) this.names.set(name, (seen ?? 0) + 1);
      if (row.tsMs < this.lastMs) this.outOfOrder++;
      if (row.tsMs < this.firstMs) this.firstMs = row.tsMs;
      if (row.tsMs > this.lastMs) this.lastMs = row.tsMs;
    }
    this.rows += batch.rows.length;
    this.reject(batch.rejected);
  }

  reject(rejections: readonly { index?: number; code: string; message: string }[]): void {
    this.rejected += rejections.length;
    for (const { index, code, message } of rejections) {
      this.rejectedBy.set(code, (this.rejectedBy.get(code) ?? 0) + 1);
      if (this.examples.length < maxExamples) {
        this.examples.push(`${index === undefined ? '' : `row ${index + 1}: `}${code} ${message}`);
      }
    }
  }

  /** For people: what is in it, and what is wrong with it. */
  lines(nameOfNames: string): string[] {
    const span =
      this.rows === 0
        ? 'none'
        : `${new Date(this.firstMs).toISOString()} to ${new Date(this.lastMs).toISOString()}`;
    const names = [...this.names].sort((a, b) => b[1] - a[1]);
    const listed = names.slice(0, 8).map(([name, count]) => `${name} ${count.toLocaleString('en')}`);
    const more = names.length > 8 ? ` and ${names.length - 8} more` : '';
    return [
      `rows       ${this.rows.toLocaleString('en')}${this.outOfOrder > 0 ? `, ${this.outOfOrder.toLocaleString('en')} out of order` : ''}`,
      `time       ${span}`,
      `${nameOfNames.padEnd(10)} ${listed.join(', ')}${more}`,
      ...(this.rejected > 0
        ? [`rejected   ${this.rejectionsText()}`, ...this.examples.map((e) => `           ${e}`)]
        : []),
    ];
  }

  private rejectionsText(): string {
    const byCode = [...this.rejectedBy].map(([code, count]) => `${code} ${count.toLocaleString('en')}`);
    return `${this.rejected.toLocaleString('en')} (${byCode.join(', ')})`;
  }
}
