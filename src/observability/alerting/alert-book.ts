import { randomUUID } from 'node:crypto';
import type { LimitEnded, LimitTransition } from '../../domain/events.js';
import {
  type Acknowledgement,
  type Alert,
  fingerprint,
  type HistoryEntry,
  type HistoryKind,
} from './alert.js';
import { formatDuration } from './duration.js';
import type { LiveAlert } from './live-rules.js';
import type { Change } from './rule-evaluator.js';
import type { Severity } from './thresholds.js';
import { forApp } from './wording.js';

/** An alert after something happened to it, and what that was. */
export interface BookEntry {
  readonly alert: Alert;
  readonly entry: HistoryEntry;
}

/** Active alerts that are held; further ones are counted and refused, so that a storm cannot exhaust the memory. */
const maxActive = 2_000;

/** The alert that every risk limit raises. */
const limitAlert = 'RiskLimit';
const limitLabels = (of: Pick<LimitTransition, 'portfolioId' | 'limitId' | 'limitType'>) => ({
  portfolio: of.portfolioId,
  limit: of.limitId,
  limit_type: of.limitType,
});

/**
 * The alerts that are pending or firing in this process. Two sources write into it: rule conditions and transitions of
 * risk limits. Both were decided by the same state machine; the book only keeps the episodes.
 */
export class AlertBook {
  private readonly active = new Map<string, Alert>();
  /** Alerts for which there was no place. */
  refused = 0;

  constructor(private readonly instance: string) {}

  *alerts(): IterableIterator<Alert> {
    yield* this.active.values();
  }

  get(id: string): Alert | undefined {
    for (const alert of this.active.values()) if (alert.id === id) return alert;
    return undefined;
  }

  /** Takes up an episode that a restart interrupted. */
  restore(alert: Alert): void {
    this.active.set(fingerprint(alert.name, alert.labels), alert);
  }

  /** A rule's condition moved. @returns what that means for its alert, if anything */
  onChange(change: Change, nowMs: number): BookEntry | null {
    const { alert: live, labels, after, lapsed } = change;
    const key = fingerprint(live.name, labels);
    const known = this.active.get(key);
    switch (after.phase) {
      case 'pending':
      case 'firing': {
        const described = describe(live, labels, after.value);
        const alert: Alert = {
          ...(known ?? this.fresh(live, labels, after.activeSinceMs ?? nowMs)),
          ...described,
          state: after.phase,
          value: after.value,
          unknown: after.unknown,
          updatedAtMs: nowMs,
        };
        if (after.phase === 'pending')
          return known ? this.quietly(key, alert) : this.put(key, alert, 'pending');
        if (known?.state === 'firing') return this.quietly(key, alert);
        return this.put(key, { ...alert, firedAtMs: nowMs, firedValue: after.value }, 'firing');
      }
      case 'inactive':
      case 'resolved': {
        if (!known) return null;
        const comment = lapsed
          ? 'ended without data: the state is unknown'
          : known.state === 'pending'
            ? 'never fired'
            : null;
        return this.resolve(key, { ...known, value: after.value, unknown: after.unknown }, nowMs, comment);
      }
    }
  }

  /** A risk limit is judged no more: nobody would ever resolve its alert. */
  onLimitEnded(event: LimitEnded): BookEntry | null {
    const key = fingerprint(limitAlert, limitLabels(event));
    const known = this.active.get(key);
    return known ? this.resolve(key, known, event.atMs, event.why) : null;
  }

  /** A risk limit changed its level. `unknown` neither raises nor resolves anything. */
  onLimit(event: LimitTransition): BookEntry | null {
    const labels = limitLabels(event);
    const key = fingerprint(limitAlert, labels);
    const known = this.active.get(key);
    if (event.to === 'unknown') {
      return known ? this.quietly(key, { ...known, unknown: true, updatedAtMs: event.atMs }) : null;
    }
    if (event.to === 'normal') {
      return known
        ? this.resolve(key, { ...known, value: event.value, unknown: false }, event.atMs, null)
        : null;
    }
    const severity = event.to === 'breach' ? 'critical' : 'warning';
    const alert: Alert = {
      ...(known ?? this.freshLimit(event, labels)),
      severity,
      value: event.value,
      edge: event.to === 'breach' ? event.thresholdValue : event.warningThreshold,
      unknown: false,
      summary: `${event.limitType} of ${event.portfolioId} is ${event.to === 'breach' ? 'over its limit' : 'near its limit'}`,
      updatedAtMs: event.atMs,
    };
    if (!known) return this.put(key, { ...alert, firedAtMs: event.atMs, firedValue: event.value }, 'firing');
    if (known.severity === severity) return this.quietly(key, alert);
    return this.put(key, alert, severity === 'critical' ? 'escalated' : 'eased');
  }

  /** The present value of an alert whose state did not change. */
  refresh(name: string, labels: Readonly<Record<string, string>>, value: number | null, nowMs: number): void {
    const key = fingerprint(name, labels);
    const known = this.active.get(key);
    if (known) this.active.set(key, { ...known, value, updatedAtMs: nowMs });
  }

  acknowledge(id: string, ack: Acknowledgement): BookEntry | null {
    const known = this.get(id);
    if (!known) return null;
    const alert = { ...known, ack, updatedAtMs: ack.atMs };
    this.active.set(fingerprint(known.name, known.labels), alert);
    return { alert, entry: entryOf(alert, 'acknowledged', ack.atMs, ack.by, ack.comment) };
  }

  /** A test of the way to the people; it ends by {@link endTest}. */
  raiseTest(severity: Severity, comment: string, by: string, nowMs: number): BookEntry {
    const id = randomUUID();
    const alert: Alert = {
      id,
      name: 'TestAlert',
      source: 'test',
      instance: this.instance,
      severity,
      state: 'firing',
      labels: { test: id.slice(0, 8) },
      threshold: 'test',
      unit: null,
      value: null,
      firedValue: null,
      edge: 0,
      clearEdge: 0,
      direction: 'above',
      unknown: false,
      summary: 'This is a test',
      description: `${by} asked whether this way is alive: ${comment}`,
      runbook: 'TestAlert',
      dashboard: null,
      startedAtMs: nowMs,
      firedAtMs: nowMs,
      resolvedAtMs: null,
      updatedAtMs: nowMs,
      ack: null,
    };
    this.active.set(fingerprint(alert.name, alert.labels), alert);
    return { alert, entry: entryOf(alert, 'firing', nowMs, by, comment) };
  }

  endTest(id: string, nowMs: number): BookEntry | null {
    const known = this.get(id);
    return known?.source === 'test'
      ? this.resolve(fingerprint(known.name, known.labels), known, nowMs, 'the test is over')
      : null;
  }

  private resolve(key: string, known: Alert, nowMs: number, comment: string | null): BookEntry {
    const alert: Alert = { ...known, state: 'resolved', resolvedAtMs: nowMs, updatedAtMs: nowMs };
    this.active.delete(key);
    return { alert, entry: entryOf(alert, 'resolved', nowMs, 'tidewatch', comment) };
  }

  private put(key: string, alert: Alert, kind: HistoryKind): BookEntry | null {
    if (!this.active.has(key) && this.active.size >= maxActive) {
      this.refused++;
      return null;
    }
    this.active.set(key, alert);
    return { alert, entry: entryOf(alert, kind, alert.updatedAtMs, 'tidewatch', null) };
  }

  /** Changes what is known of an alert without an event: its state is the same. */
  private quietly(key: string, alert: Alert): null {
    this.active.set(key, alert);
    return null;
  }

  private fresh(live: LiveAlert, labels: Readonly<Record<string, string>>, startedAtMs: number): Alert {
    return {
      id: randomUUID(),
      name: live.name,
      source: 'rule',
      instance: this.instance,
      severity: live.severity,
      state: 'pending',
      labels,
      threshold: live.threshold.id,
      unit: live.threshold.unit,
      value: null,
      firedValue: null,
      edge: live.edge.threshold,
      clearEdge: live.edge.clearThreshold,
      direction: live.edge.direction,
      unknown: false,
      ...describe(live, labels, null),
      runbook: live.name,
      dashboard: live.rule.dashboard,
      startedAtMs,
      firedAtMs: null,
      resolvedAtMs: null,
      updatedAtMs: startedAtMs,
      ack: null,
    };
  }

  private freshLimit(event: LimitTransition, labels: Readonly<Record<string, string>>): Alert {
    return {
      id: randomUUID(),
      name: limitAlert,
      source: 'limit',
      instance: this.instance,
      severity: 'warning',
      state: 'firing',
      labels,
      threshold: event.limitType,
      unit: null,
      value: event.value,
      firedValue: event.value,
      edge: event.warningThreshold,
      clearEdge: event.warningThreshold,
      direction: event.thresholdValue >= event.warningThreshold ? 'above' : 'below',
      unknown: false,
      summary: '',
      description: `The limit ${event.limitId} on ${event.limitType} of portfolio ${event.portfolioId}: warning at ${event.warningThreshold}, breach at ${event.thresholdValue}.`,
      runbook: limitAlert,
      dashboard: 'tidewatch-risk',
      startedAtMs: event.atMs,
      firedAtMs: event.atMs,
      resolvedAtMs: null,
      updatedAtMs: event.atMs,
      ack: null,
    };
  }
}

function describe(
  live: LiveAlert,
  labels: Readonly<Record<string, string>>,
  value: number | null,
): Pick<Alert, 'summary' | 'description'> {
  const { threshold, edge, rule } = live;
  const facts = { threshold, edge, value, labels, window: formatDuration(threshold.windowMs) };
  return { summary: forApp(rule.summary, facts), description: forApp(rule.description, facts) };
}

export function entryOf(
  alert: Alert,
  kind: HistoryKind,
  atMs: number,
  by: string,
  comment: string | null,
): HistoryEntry {
  return { alertId: alert.id, atMs, kind, by, comment, value: alert.value };
}
