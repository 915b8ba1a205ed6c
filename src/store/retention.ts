/** How long raw rows are kept, in days; `null` is for ever. Roll-ups are kept for ever. */
export interface Retention {
  readonly ticks: number | null;
  /** `analytics_metrics` and `risk_metrics`. */
  readonly metrics: number | null;
}

/** Tables that are partitioned by time (native) or hypertables (TimescaleDB). */
export const timeTables = [
  'ticks',
  'analytics_metrics',
  'risk_metrics',
  'risk_events',
  'websocket_metrics',
  'debug_logs',
] as const;
export type TimeTable = (typeof timeTables)[number];

/** Operational tables have a fixed life; the guide's figures. */
const operationalDays = { websocket_metrics: 7, debug_logs: 3 } as const;

/** Days that rows of a table are kept; `null` is for ever. */
export function retentionDays(table: TimeTable, retention: Retention): number | null {
  switch (table) {
    case 'ticks':
      return retention.ticks;
    case 'analytics_metrics':
    case 'risk_metrics':
      return retention.metrics;
    case 'risk_events':
      return null;
    default:
      return operationalDays[table];
  }
}
