import type { Severity, Unit } from './thresholds.js';

export type AlertState = 'pending' | 'firing' | 'resolved';
/** `rule`: a threshold of the catalogue; `limit`: a risk limit of a portfolio; `test`: somebody asked whether the route is alive. */
export type AlertSource = 'rule' | 'limit' | 'test';

export interface Acknowledgement {
  readonly by: string;
  readonly comment: string;
  readonly atMs: number;
}

/** One episode of one alert: from pending or firing until it is resolved. */
export interface Alert {
  readonly id: string;
  readonly name: string;
  readonly source: AlertSource;
  /** Which process judged it: host and port. */
  readonly instance: string;
  readonly severity: Severity;
  readonly state: AlertState;
  /** What it is about, besides the process: `pool`, `collector`, `portfolio`, … */
  readonly labels: Readonly<Record<string, string>>;
  /** Entry of `alerts/thresholds.yml`; the limit's type for risk limits. */
  readonly threshold: string;
  readonly unit: Unit | null;
  /** Last known value, and the value when it fired; in `unit`. */
  readonly value: number | null;
  readonly firedValue: number | null;
  /** What the value is compared with, and what it must come back to. */
  readonly edge: number;
  readonly clearEdge: number;
  readonly direction: 'above' | 'below';
  /** Whether data is missing now: what fires is not resolved by that. */
  readonly unknown: boolean;
  readonly summary: string;
  readonly description: string;
  /** File name below `alerts/runbooks`, without `.md`. */
  readonly runbook: string;
  readonly dashboard: string | null;
  /** Since when the condition has held, Unix ms. */
  readonly startedAtMs: number;
  readonly firedAtMs: number | null;
  readonly resolvedAtMs: number | null;
  readonly updatedAtMs: number;
  readonly ack: Acknowledgement | null;
}

export type HistoryKind =
  | 'pending'
  | 'firing'
  | 'escalated'
  | 'eased'
  | 'resolved'
  | 'acknowledged'
  | 'suppressed'
  | 'notified'
  | 'notification_failed';

/** Something that happened to an alert. */
export interface HistoryEntry {
  readonly alertId: string;
  readonly atMs: number;
  readonly kind: HistoryKind;
  /** A person for what people do; `tidewatch` otherwise. */
  readonly by: string;
  readonly comment: string | null;
  readonly value: number | null;
}

/** Keeps alerts that match from notifying until it ends. A maintenance window is one that was planned. */
export interface Silence {
  readonly id: string;
  readonly kind: 'silence' | 'maintenance';
  readonly matchers: SilenceMatchers;
  readonly by: string;
  readonly comment: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly createdAtMs: number;
  /** When somebody ended it before its time. */
  readonly endedAtMs: number | null;
}

/** All that are given must match; a maintenance window may have none and then covers everything. */
export interface SilenceMatchers {
  readonly name?: string;
  readonly severity?: Severity;
  readonly threshold?: string;
  readonly instance?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What identifies an alert across its episodes. */
export function fingerprint(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
