import type { Alert, AlertState, HistoryEntry, Silence } from './alert.js';
import type { EvidencePack } from './evidence.js';

/** One observation of one threshold, kept for backtests. `value` is `null` where it was unknown. */
export interface StoredSample {
  readonly threshold: string;
  readonly instance: string;
  /** Values of the rule's `by` labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly atMs: number;
  readonly value: number | null;
  readonly idle: boolean;
}

export interface AlertQuery {
  readonly states?: readonly AlertState[];
  readonly name?: string;
  readonly severity?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Continue after this position; see {@link AlertPage.next}. */
  readonly after?: { readonly startedAtMs: number; readonly id: string };
  readonly limit: number;
}

export interface SampleQuery {
  readonly threshold: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly instance?: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
}

/**
 * Where alerts outlive the process. Implemented by the store, which alone speaks SQL; every method rejects when the
 * database is away, and the alerting goes on in memory.
 */
export abstract class AlertStore {
  /** Inserts or updates; an acknowledgement that is already stored is never taken back. */
  abstract save(alerts: readonly Alert[]): Promise<void>;
  abstract get(id: string): Promise<Alert | null>;
  /** Newest first. */
  abstract list(query: AlertQuery): Promise<readonly Alert[]>;
  /** Alerts of this process that had not been resolved when it stopped. */
  abstract unresolved(instance: string): Promise<readonly Alert[]>;
  abstract acknowledge(id: string, ack: NonNullable<Alert['ack']>): Promise<void>;
  abstract addHistory(entries: readonly HistoryEntry[]): Promise<void>;
  abstract history(alertId: string, limit: number): Promise<readonly HistoryEntry[]>;
  abstract saveEvidence(pack: EvidencePack): Promise<void>;
  abstract evidence(alertId: string): Promise<EvidencePack | null>;
  abstract saveSilence(silence: Silence): Promise<void>;
  /** Those that have not ended by `nowMs`, and the ones that ended since `endedAfterMs`. */
  abstract silences(endedAfterMs: number): Promise<readonly Silence[]>;
  abstract addSamples(samples: readonly StoredSample[]): Promise<void>;
  /** Oldest first. */
  abstract samples(query: SampleQuery): Promise<readonly StoredSample[]>;
  /** Deletes samples older than one time, and resolved alerts with their history and evidence older than the other. */
  abstract prune(samplesBeforeMs: number, alertsBeforeMs: number): Promise<void>;
}
