import type { Alert, HistoryEntry } from './alert.js';
import type { AlertStore, StoredSample } from './alert-store.js';
import type { EvidencePack } from './evidence.js';

/** What waits for a database that is away. The newest state of each alert is kept whatever happens; the rest is bounded. */
const maxHistory = 5_000;
const maxEvidence = 200;
const maxSamples = 20_000;

/**
 * Brings alerts to the store in the background. A database that is away is exactly what alerts are about, so nothing
 * here waits for it: what could not be written is written later.
 */
export class AlertWriter {
  private readonly alerts = new Map<string, Alert>();
  private history: HistoryEntry[] = [];
  private evidence: EvidencePack[] = [];
  private samples: StoredSample[] = [];
  private running: Promise<boolean> | null = null;
  private next: Promise<boolean> | null = null;
  /** Entries that were given up because the database was away for too long. */
  dropped = 0;

  constructor(
    private readonly store: AlertStore,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  alert(alert: Alert): void {
    this.alerts.set(alert.id, alert);
  }

  entry(entry: HistoryEntry): void {
    this.history.push(entry);
    this.dropped += trim(this.history, maxHistory);
  }

  pack(pack: EvidencePack): void {
    this.evidence.push(pack);
    this.dropped += trim(this.evidence, maxEvidence);
  }

  observed(samples: readonly StoredSample[]): void {
    this.samples.push(...samples);
    this.dropped += trim(this.samples, maxSamples);
  }

  /** An evidence pack that has not been written yet. */
  waitingEvidence(alertId: string): EvidencePack | undefined {
    return this.evidence.find((pack) => pack.alertId === alertId);
  }

  /** @returns whether everything that waited when it was called is stored now */
  flush(): Promise<boolean> {
    if (this.running === null) return this.run();
    // What is being written may not hold what came since; one more round does, and is shared by all who wait for it.
    this.next ??= this.running.then(() => {
      this.next = null;
      return this.run();
    });
    return this.next;
  }

  private run(): Promise<boolean> {
    this.running = this.write().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async write(): Promise<boolean> {
    const alerts = [...this.alerts.values()];
    const history = this.history;
    const evidence = this.evidence;
    const samples = this.samples;
    this.alerts.clear();
    [this.history, this.evidence, this.samples] = [[], [], []];
    try {
      // In this order: history and evidence belong to an alert that must be there first.
      if (alerts.length > 0) await this.store.save(alerts);
      while (history.length > 0) {
        await this.store.addHistory(history.slice(0, 500));
        history.splice(0, 500);
      }
      while (evidence.length > 0) {
        await this.store.saveEvidence(evidence[0] as EvidencePack);
        evidence.shift();
      }
      if (samples.length > 0) await this.store.addSamples(samples);
      return true;
    } catch (error) {
      this.onFailure(error);
      // A newer state of an alert that came meanwhile wins over the one that could not be written.
      for (const alert of alerts) if (!this.alerts.has(alert.id)) this.alerts.set(alert.id, alert);
      this.history = [...history, ...this.history];
      this.evidence = [...evidence, ...this.evidence];
      this.samples = [...samples, ...this.samples];
      this.dropped +=
        trim(this.history, maxHistory) + trim(this.evidence, maxEvidence) + trim(this.samples, maxSamples);
      return false;
    }
  }
}

/** Drops the oldest. @returns how many */
function trim(list: unknown[], max: number): number {
  const excess = Math.max(0, list.length - max);
  list.splice(0, excess);
  return excess;
}
