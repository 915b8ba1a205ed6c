import type { Alert, HistoryEntry } from './alert.js';
import { entryOf } from './alert-book.js';
import { type NotificationQueue, type QueueHooks } from './notify/notification-queue.js';
import type { Notice, Notifier, Occasion } from './notify/notifier.js';

/** An alert that nobody acknowledged is told again this often. */
export const reminderEveryMs = 4 * 3_600_000;

interface Told {
  firstMs: number;
  lastReminderMs: number;
  readonly lastSentMs: Map<Notifier, number>;
}

/**
 * Decides who is told what and when. An alert is told once when it fires, again as a reminder until somebody
 * acknowledges it, and once when it is over, if its firing was told. A silenced alert is told when the silence ends, if
 * it fires then.
 */
export class NotificationCenter {
  private readonly told = new Map<string, Told>();
  private readonly ways: readonly { notifier: Notifier; queue: NotificationQueue }[];

  constructor(
    notifiers: readonly Notifier[],
    makeQueue: (notifier: Notifier, hooks: QueueHooks) => NotificationQueue,
    counted: (notifier: Notifier, outcome: Parameters<QueueHooks['counted']>[0], count: number) => void,
    private readonly links: (alert: Alert) => Notice['links'],
    private readonly record: (entry: HistoryEntry) => void,
    private readonly now: () => number = Date.now,
  ) {
    this.ways = notifiers.map((notifier) => ({
      notifier,
      queue: makeQueue(notifier, {
        counted: (outcome, count) => counted(notifier, outcome, count),
        delivered: (notices) => this.note(notices, 'notified', notifier.name),
        failed: (notices, reason) => this.note(notices, 'notification_failed', `${notifier.name}: ${reason}`),
      }),
    }));
  }

  get notifiers(): readonly Notifier[] {
    return this.ways.map(({ notifier }) => notifier);
  }

  /** Takes up alerts whose firing was told before a restart. */
  restore(alert: Alert): void {
    const atMs = alert.firedAtMs ?? this.now();
    this.told.set(alert.id, { firstMs: atMs, lastReminderMs: atMs, lastSentMs: new Map() });
  }

  /** Looks at one firing alert; call for each of them in every round. */
  consider(alert: Alert, suppressed: boolean): void {
    if (suppressed || alert.state !== 'firing') return;
    const now = this.now();
    const told = this.told.get(alert.id);
    if (!told) {
      this.told.set(alert.id, { firstMs: now, lastReminderMs: now, lastSentMs: new Map() });
      this.tell(alert, 'firing', () => true);
      return;
    }
    if (alert.ack === null && now - told.lastReminderMs >= reminderEveryMs) {
      told.lastReminderMs = now;
      this.tell(alert, 'reminder', () => true);
      return;
    }
    // Some ways forget what is not repeated; that repetition is theirs, and not a reminder to people.
    this.tell(alert, 'reminder', (notifier) => {
      const last = told.lastSentMs.get(notifier) ?? told.firstMs;
      return notifier.repeatEveryMs !== null && now - last >= notifier.repeatEveryMs;
    });
  }

  resolved(alert: Alert): void {
    if (!this.told.has(alert.id)) return;
    this.tell(alert, 'resolved', () => true);
    this.told.delete(alert.id);
  }

  /** A severity that changed is news. */
  changed(alert: Alert, suppressed: boolean): void {
    if (!suppressed && this.told.has(alert.id)) this.tell(alert, 'firing', () => true);
  }

  async idle(): Promise<void> {
    await Promise.all(this.ways.map(({ queue }) => queue.idle()));
  }

  async close(): Promise<void> {
    await Promise.all(this.ways.map(({ queue }) => queue.close()));
  }

  private tell(alert: Alert, occasion: Occasion, wants: (notifier: Notifier) => boolean): void {
    for (const { notifier, queue } of this.ways) {
      if (!wants(notifier)) continue;
      this.told.get(alert.id)?.lastSentMs.set(notifier, this.now());
      queue.push({ alert, occasion, links: this.links(alert) });
    }
  }

  private note(notices: readonly Notice[], kind: 'notified' | 'notification_failed', comment: string): void {
    for (const { alert, occasion } of notices) {
      if (occasion === 'reminder' && kind === 'notified') continue;
      this.record(entryOf(alert, kind, this.now(), 'tidewatch', `${occasion}, ${comment}`));
    }
  }
}
