import type { MetricPoint } from '../../domain/metric-point.js';
import type { Tick } from '../../domain/tick.js';
import type { RowFile } from './row-file.js';

const maxRows = 5;

/** The first rows of a file as they would be stored, as aligned columns; for a look before an import. */
export async function previewLines(file: RowFile): Promise<string[]> {
  const rows: (Tick | MetricPoint)[] = [];
  const rejected: string[] = [];
  for await (const batch of file.batches<Tick | MetricPoint>()) {
    rows.push(...batch.rows.slice(0, maxRows - rows.length));
    for (const r of batch.rejected.slice(0, maxRows))
      rejected.push(`row ${r.index + 1}: ${r.code} ${r.message}`);
    if (rows.length >= maxRows || rejected.length >= maxRows) break;
  }
  const compression = file.compression === 'none' ? '' : `, ${file.compression}`;
  const ignored =
    file.ignoredColumns.length > 0 ? `; skipped columns: ${file.ignoredColumns.join(', ')}` : '';
  return [
    `${file.path}: ${file.kind} as ${file.format}${compression}, ${file.size.toLocaleString('en')} bytes${ignored}`,
    ...table(rows.map(cellsOf)).map((line) => `  ${line}`),
    ...rejected.slice(0, maxRows).map((line) => `  ${line}`),
  ];
}

function cellsOf(row: Tick | MetricPoint): Record<string, string> {
  const time = new Date(row.tsMs).toISOString();
  if ('symbol' in row) {
    return {
      symbol: row.symbol,
      time,
      price: String(row.price),
      size: String(row.size ?? '-'),
      id: row.sourceId ?? '-',
    };
  }
  const { portfolioId, metricType, value, metadata } = row;
  return {
    portfolio_id: portfolioId,
    metric_type: metricType,
    time,
    value: String(value),
    metadata: metadata ?? '-',
  };
}

function table(rows: readonly Record<string, string>[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const names = Object.keys(first);
  const lines = [Object.fromEntries(names.map((name) => [name, name])), ...rows];
  const widths = names.map((name) => Math.max(...lines.map((line) => line[name]!.length)));
  return lines.map((line) =>
    names
      .map((name, i) => line[name]!.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}
