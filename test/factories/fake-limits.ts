import type { LimitTransition } from '../../src/domain/events.js';
import type {
  LimitChange,
  LimitReading,
  LimitSettings,
  StoredLimit,
} from '../../src/store/limit.repository.js';
import { storedLimit } from './stored-limit.js';

/** What the store keeps of limits, in memory: settings, readings, events, and who changed what. */
export class FakeLimits {
  readonly limits = new Map<string, StoredLimit>();
  readonly readings: LimitReading[] = [];
  readonly events: LimitTransition[] = [];
  readonly audit: { actor: string; action: string; comment: string | null }[] = [];
  /** Newest values of metrics that clients sent, by `portfolio metric`. */
  readonly sent = new Map<string, number>();

  add(change: Partial<StoredLimit>): StoredLimit {
    const id = `00000000-0000-4000-8000-${String(this.limits.size + 1).padStart(12, '0')}`;
    const limit = storedLimit({ id, ...change });
    this.limits.set(limit.id, limit);
    return limit;
  }

  async all(): Promise<StoredLimit[]> {
    return [...this.limits.values()];
  }

  async create(
    portfolioId: string,
    settings: LimitSettings,
    by: { actor: string; action: string; comment: string | null },
  ): Promise<StoredLimit> {
    this.audit.push(by);
    return this.add({ ...settings, portfolioId });
  }

  async update(
    id: string,
    change: LimitChange,
    by: { actor: string; action: string; comment: string | null },
    still: (before: StoredLimit) => boolean = () => true,
  ): Promise<StoredLimit | null> {
    const limit = this.limits.get(id);
    if (!limit || !still(limit)) return null;
    this.audit.push(by);
    const after = { ...limit, ...change, version: limit.version + 1 };
    this.limits.set(id, after);
    return after;
  }

  async softDelete(
    id: string,
    by: { actor: string; action: string; comment: string | null },
  ): Promise<boolean> {
    this.audit.push(by);
    return this.limits.delete(id);
  }

  async saveReadings(readings: readonly LimitReading[]): Promise<void> {
    this.readings.push(...readings);
  }

  readingsStatement(readings: readonly LimitReading[]): string {
    this.readings.push(...readings);
    return '';
  }

  async append(events: readonly LimitTransition[]): Promise<void> {
    this.events.push(...events);
  }

  async latestOf(pairs: readonly { portfolioId: string; metricType: string }[]) {
    return pairs.flatMap(({ portfolioId, metricType }) => {
      const value = this.sent.get(`${portfolioId} ${metricType}`);
      return value === undefined
        ? []
        : [{ kind: 'analytics' as const, portfolioId, metricType, value, tsMs: Date.now() }];
    });
  }
}
