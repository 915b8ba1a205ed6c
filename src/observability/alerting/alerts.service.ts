import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { EventBus } from '../../domain/event-bus.js';
import { conflict, notFound } from '../../domain/problem.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Logger, type ModuleLogger } from '../logger.js';
import { Metrics } from '../metrics.js';
import type { Alert, HistoryEntry } from './alert.js';
import { type AlertAnswer, alertAnswer, historyAnswer } from './alert-answer.js';
import { AlertBook, type BookEntry, entryOf } from './alert-book.js';
import { AlertMetrics } from './alert-metrics.js';
import { AlertStore } from './alert-store.js';
import { AlertWriter } from './alert-writer.js';
import { Evidence, type EvidencePack } from './evidence.js';
import { type LiveAlert, liveAlerts, liveBurns } from './live-rules.js';
import { MetricHistory } from './metric-history.js';
import { MetricsLeafSource } from './metrics-leaf-source.js';
import { NotificationCenter } from './notification-center.js';
import { makeNotifiers } from './notify/make-notifiers.js';
import { NotificationQueue } from './notify/notification-queue.js';
import { RecentValues } from './recent-values.js';
import { type Observation, RuleEvaluator } from './rule-evaluator.js';
import { rules } from './rules/index.js';
import { sloRules } from './rules/slo.rules.js';
import { SampleRecorder } from './sample-recorder.js';
import { SignalReader } from './signal-reader.js';
import { SilenceBook } from './silence-book.js';
import { covers } from './silences.js';
import { TargetsService } from './targets.service.js';
import { loadThresholds, type Severity } from './thresholds.js';

/** How often every rule is judged. */
export const roundMs = 5_000;
const silenceRefreshMs = 15_000;
const pruneEveryMs = 3_600_000;
const historyShown = 500;
const keepSamplesMs = 7 * 86_400_000;
const keepAlertsMs = 90 * 86_400_000;

/**
 * The alerts of this process, judged in the process: works with no Prometheus at all. Infrastructure rules and risk
 * limits end up in one book; people acknowledge, silence and are notified the same way for both.
 */
@Injectable()
export class AlertsService {
  readonly live: readonly LiveAlert[];
  readonly instance: string;
  readonly recent = new RecentValues();
  readonly center: NotificationCenter;
  private readonly log: ModuleLogger;
  private readonly history: MetricHistory;
  private readonly evaluator: RuleEvaluator;
  private readonly book: AlertBook;
  private readonly writer: AlertWriter;
  private readonly recorder: SampleRecorder;
  private readonly watch: AlertMetrics;
  private timer: NodeJS.Timeout | undefined;
  private lastRefreshMs = 0;
  private lastPruneMs = 0;

  constructor(
    private readonly metrics: Metrics,
    targets: TargetsService,
    private readonly bus: EventBus,
    config: Config,
    logger: Logger,
    lifecycle: Lifecycle,
    private readonly evidence: Evidence,
    private readonly silences: SilenceBook,
    private readonly store: AlertStore,
  ) {
    this.log = logger.child('alerting');
    this.instance = `${hostname()}:${config.get('PORT')}`;
    const thresholds = loadThresholds();
    this.live = [...liveAlerts(rules, thresholds), ...liveBurns(sloRules, thresholds)];
    this.history = new MetricHistory(new MetricsLeafSource(metrics));
    this.evaluator = new RuleEvaluator(this.live, new SignalReader(this.history), (t) => targets.judge(t));
    this.book = new AlertBook(this.instance);
    this.recorder = new SampleRecorder(this.instance);
    this.watch = new AlertMetrics(metrics);
    this.writer = new AlertWriter(store, (error) => {
      this.watch.writeFailed.inc();
      this.log.warn({ err: error }, 'alerts could not be written; they are kept and tried again');
    });
    const base = config.get('PUBLIC_URL') ?? `http://${config.get('HOST')}:${config.get('PORT')}`;
    this.center = new NotificationCenter(
      makeNotifiers(config),
      (notifier, hooks) => new NotificationQueue(notifier, hooks),
      (notifier, outcome, count) => this.watch.notified(notifier.name, outcome, count),
      (alert) => absoluteLinks(base, alert),
      (entry) => this.writer.entry(entry),
    );
    bus.on('limit.transition', (event) => this.handle(this.book.onLimit(event)));
    bus.on('limit.ended', (event) => this.handle(this.book.onLimitEnded(event)));
    lifecycle.onStarted('alerting', () => this.start());
    lifecycle.onShutdown('stop-intake', 'alert rounds', () => clearInterval(this.timer));
    lifecycle.onShutdown('flush', 'alerts', async () => {
      await this.center.close();
      await this.writer.flush();
    });
  }

  /** One round: sample, judge, notify, record. Never throws. */
  round(nowMs = Date.now()): void {
    const started = performance.now();
    try {
      this.metrics.families();
      this.history.sample(nowMs);
      const { changes, observed } = this.evaluator.evaluate(nowMs);
      for (const change of changes) this.handle(this.book.onChange(change, nowMs));
      for (const { alert, labels, state } of this.evaluator.active()) {
        this.book.refresh(alert.name, labels, state.value, nowMs);
      }
      this.recent.add(observed, nowMs);
      this.writer.observed(this.recorder.pick(observed, nowMs));
      const suppressed = this.notify(nowMs);
      this.watch.round(
        this.book,
        suppressed,
        this.silences,
        observed,
        (performance.now() - started) / 1000,
        nowMs,
      );
    } catch (error) {
      this.watch.roundFailed.inc();
      this.log.error({ err: error }, 'a round of alert rules failed');
    }
    void this.housekeeping(nowMs);
  }

  /** Alerts, newest first: those of this process from memory, the others and the past from the store. */
  async list(
    query: Parameters<AlertStore['list']>[0],
  ): Promise<{ alerts: Alert[]; incomplete: string | null }> {
    const mine = [...this.book.alerts()].filter((alert) => matches(alert, query));
    let stored: readonly Alert[] = [];
    let incomplete: string | null = null;
    try {
      await this.writer.flush();
      stored = await this.store.list(query);
    } catch (error) {
      incomplete = `the past is not available: ${(error as Error).message}`;
    }
    const known = new Set(mine.map((alert) => alert.id));
    const alerts = [...mine, ...stored.filter((alert) => !known.has(alert.id))]
      .sort((a, b) => b.startedAtMs - a.startedAtMs || (a.id < b.id ? 1 : -1))
      .slice(0, query.limit);
    return { alerts, incomplete };
  }

  async get(id: string): Promise<Alert> {
    const held = this.book.get(id);
    if (held) return held;
    // Its end may not be written yet: the store would still say that it fires.
    await this.writer.flush();
    const alert = await this.store.get(id);
    if (!alert) throw notFound('alert', id);
    return alert;
  }

  async historyOf(id: string): Promise<readonly HistoryEntry[]> {
    await this.writer.flush();
    return this.store.history(id, historyShown);
  }

  async evidenceOf(id: string): Promise<EvidencePack> {
    let pack = this.writer.waitingEvidence(id);
    if (pack === undefined) {
      // It may be on its way to the store.
      await this.writer.flush();
      pack = (await this.store.evidence(id)) ?? undefined;
    }
    if (!pack) throw notFound('evidence pack of an alert', id);
    return pack;
  }

  /** Takes note that somebody is on it: no reminders from now on. */
  async acknowledge(id: string, by: string, comment: string): Promise<Alert> {
    const ack = { by, comment, atMs: Date.now() };
    const held = this.book.acknowledge(id, ack);
    if (held) {
      this.handle(held);
      await this.writer.flush();
      return held.alert;
    }
    const alert = await this.get(id);
    if (alert.state === 'resolved') {
      throw conflict('ALERT_RESOLVED', 'The alert is resolved; there is nothing to acknowledge.');
    }
    await this.store.acknowledge(id, ack);
    await this.store.addHistory([entryOf(alert, 'acknowledged', ack.atMs, by, comment)]);
    return { ...alert, ack };
  }

  /** Fires an alert that means nothing, through the whole way that a real one takes. */
  test(severity: Severity, comment: string, by: string): Alert {
    const entry = this.book.raiseTest(severity, comment, by, Date.now());
    this.handle(entry);
    this.center.consider(entry.alert, this.silences.of(entry.alert) !== null);
    return entry.alert;
  }

  /** Ends a test alert. */
  endTest(id: string): void {
    this.handle(this.book.endTest(id, Date.now()));
  }

  /** Alerts of this process that are pending or firing. */
  activeAlerts(): readonly Alert[] {
    return [...this.book.alerts()];
  }

  /** The worst phase of each rule that is pending or firing now. */
  phases(): ReadonlyMap<LiveAlert, 'pending' | 'firing'> {
    const out = new Map<LiveAlert, 'pending' | 'firing'>();
    for (const { alert, state } of this.evaluator.active()) {
      if (state.phase === 'firing' || !out.has(alert))
        out.set(alert, state.phase === 'firing' ? 'firing' : 'pending');
    }
    return out;
  }

  /** What a rule's signal says now. */
  observe({ rule, threshold }: LiveAlert): readonly Observation[] {
    return this.evaluator.observe(rule, threshold, Date.now());
  }

  answer(alert: Alert): AlertAnswer {
    const nowMs = Date.now();
    return alertAnswer(alert, alert.state === 'resolved' ? null : this.silences.of(alert, nowMs), nowMs);
  }

  /** Writes what waits; for readers that need it, and for tests. */
  flush(): Promise<boolean> {
    return this.writer.flush();
  }

  private async start(): Promise<void> {
    await this.restore();
    this.round();
    this.timer = setInterval(() => this.round(), roundMs);
    this.timer.unref();
  }

  /**
   * Alerts that fired when the process stopped go on where they were. Nobody is told twice; what nobody was told, because
   * it was silenced or no way was open, is still to be told.
   */
  private async restore(): Promise<void> {
    try {
      await this.silences.refresh();
      for (const alert of await this.store.unresolved(this.instance)) {
        if (alert.source === 'test') continue;
        const live = this.live.find((l) => l.name === alert.name && covers({ labels: l.labels }, alert));
        if (alert.source === 'rule' && !live) continue;
        this.book.restore(alert);
        const history = await this.store.history(alert.id, historyShown);
        if (history.some(({ kind }) => kind === 'notified')) this.center.restore(alert);
        if (live) this.evaluator.restore(live, alert.labels, alert.firedAtMs ?? alert.startedAtMs);
      }
    } catch (error) {
      this.log.warn({ err: error }, 'alerts of the last run could not be read');
    }
  }

  private handle(change: BookEntry | null): void {
    if (change === null) return;
    const { alert, entry } = change;
    if (alert.firedAtMs !== null) this.record(alert, entry);
    this.bus.emit('alert.changed', {
      id: alert.id,
      name: alert.name,
      state: alert.state,
      data: { ...this.answer(alert), event: historyAnswer(entry) },
    });
    if (entry.kind === 'firing') {
      this.log.warn({ alert: alert.name, labels: alert.labels, value: alert.value }, alert.summary);
      void this.freeze(alert);
    } else if (entry.kind === 'resolved' && alert.firedAtMs !== null) {
      this.log.info({ alert: alert.name, labels: alert.labels }, `resolved: ${alert.summary}`);
      this.center.resolved(alert);
    } else if (entry.kind === 'escalated' || entry.kind === 'eased') {
      this.center.changed(alert, this.silences.of(alert) !== null);
    }
  }

  private record(alert: Alert, entry: HistoryEntry): void {
    this.writer.alert(alert);
    // What only was pending is not worth a row; what fired says since when it was.
    if (entry.kind === 'firing' && alert.firedAtMs !== alert.startedAtMs) {
      this.writer.entry({ ...entry, kind: 'pending', atMs: alert.startedAtMs });
    }
    this.writer.entry(entry);
  }

  private async freeze(alert: Alert): Promise<void> {
    const pack = await this.evidence.capture(alert, Date.now());
    this.writer.pack(pack);
    await this.writer.flush();
  }

  /** @returns how many firing alerts are kept quiet */
  private notify(nowMs: number): number {
    let suppressed = 0;
    for (const alert of this.book.alerts()) {
      if (alert.state !== 'firing') continue;
      const silence = this.silences.of(alert, nowMs);
      if (silence) suppressed++;
      this.center.consider(alert, silence !== null);
    }
    return suppressed;
  }

  private async housekeeping(nowMs: number): Promise<void> {
    const stored = await this.writer.flush();
    if (!stored) return;
    try {
      if (nowMs - this.lastRefreshMs >= silenceRefreshMs) {
        this.lastRefreshMs = nowMs;
        await this.silences.refresh();
      }
      if (nowMs - this.lastPruneMs >= pruneEveryMs) {
        this.lastPruneMs = nowMs;
        await this.store.prune(nowMs - keepSamplesMs, nowMs - keepAlertsMs);
      }
    } catch (error) {
      this.watch.writeFailed.inc();
      this.log.warn({ err: error }, 'silences could not be read');
    }
  }
}

function absoluteLinks(base: string, alert: Alert) {
  const root = `${base.replace(/\/$/, '')}/api/v1/alerts`;
  return {
    alert: `${root}/${alert.id}`,
    evidence: `${root}/${alert.id}/evidence`,
    runbook: `${root}/runbooks/${alert.runbook}`,
  };
}

function matches(alert: Alert, query: Parameters<AlertStore['list']>[0]): boolean {
  const { states, name, severity, fromMs, toMs, after } = query;
  if (states && !states.includes(alert.state)) return false;
  if (name !== undefined && alert.name !== name) return false;
  if (severity !== undefined && alert.severity !== severity) return false;
  if (fromMs !== undefined && alert.updatedAtMs < fromMs) return false;
  if (toMs !== undefined && alert.startedAtMs > toMs) return false;
  if (!after) return true;
  return (
    alert.startedAtMs < after.startedAtMs || (alert.startedAtMs === after.startedAtMs && alert.id < after.id)
  );
}
