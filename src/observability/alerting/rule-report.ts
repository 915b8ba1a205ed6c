import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics.js';
import { AlertsService } from './alerts.service.js';
import { formatDuration } from './duration.js';
import { type LiveAlert, resolveThreshold } from './live-rules.js';
import { rules } from './rules/index.js';
import { runbookFolder } from './runbooks.js';
import { selectionsOf } from './signal.js';
import { loadThresholds } from './thresholds.js';

/** Whether an alert could fire at all, and what is in its way. */
export interface RuleCheck {
  readonly name: string;
  readonly severity: string;
  readonly threshold_id: string;
  readonly judged_by: readonly ('app' | 'prometheus')[];
  readonly window: string;
  readonly for: string;
  readonly state: 'unknown' | 'inactive' | 'pending' | 'firing';
  readonly can_fire: boolean;
  /** What is broken, and stays so until somebody mends it. */
  readonly problems: readonly string[];
  /** Samples that are not there yet; a server that nobody asks for a VaR cannot say how long one takes. */
  readonly waiting_for: readonly string[];
}

/**
 * Answers "can this alert fire?" for every rule, from inside the process: its metrics exist, they have a value now, its
 * runbook resolves. What only Prometheus and Alertmanager know, `doctor` asks them.
 */
@Injectable()
export class RuleReport {
  private readonly thresholds = loadThresholds();

  constructor(
    private readonly metrics: Metrics,
    private readonly alerts: AlertsService,
  ) {}

  answer() {
    const checks = this.checks();
    return {
      as_of: new Date().toISOString(),
      data_age_ms: 0,
      catalogue_version: this.thresholds.version,
      can_fire: checks.filter((check) => check.can_fire).length,
      rules: checks,
    };
  }

  checks(): readonly RuleCheck[] {
    return [...this.liveChecks(), ...this.outsideChecks()];
  }

  private liveChecks(): RuleCheck[] {
    const phases = this.alerts.phases();
    return this.alerts.live.map((live) => {
      const problems = this.runbookProblems(live.name);
      const waiting = this.waitingFor(live);
      return {
        name: live.name,
        severity: live.severity,
        threshold_id: live.threshold.id,
        judged_by: ['app', 'prometheus'],
        window: formatDuration(live.threshold.windowMs),
        for: formatDuration(live.edge.forMs),
        state:
          waiting.length > 0 ? 'unknown' : (phases.get(live) ?? (this.isIdle(live) ? 'unknown' : 'inactive')),
        can_fire: problems.length === 0 && waiting.length === 0,
        problems,
        waiting_for: waiting,
      };
    });
  }

  private outsideChecks(): RuleCheck[] {
    return rules
      .filter((rule) => rule.kind === 'prometheus')
      .flatMap((rule) => {
        const threshold = resolveThreshold(rule, this.thresholds);
        return (['warning', 'critical'] as const).flatMap((severity): RuleCheck[] => {
          const name = rule.alerts[severity];
          const edge = threshold[severity];
          if (name === undefined || edge === null) return [];
          const problems = this.runbookProblems(name);
          return [
            {
              name,
              severity,
              threshold_id: threshold.id,
              judged_by: ['prometheus'],
              window: formatDuration(threshold.windowMs),
              for: formatDuration(edge.forMs),
              state: 'unknown',
              can_fire: problems.length === 0,
              problems,
              waiting_for: [],
            },
          ];
        });
      });
  }

  /** A row without demand is unknown here as it is in `GET /api/v1/ops/targets`; it can fire once there is some. */
  private isIdle(live: LiveAlert): boolean {
    if (!('statistic' in live.threshold)) return false;
    const observed = this.alerts.observe(live);
    return observed.length > 0 && observed.every(({ idle, value }) => idle && value === null);
  }

  /** No series at all, or fewer samples within the window than a judgement takes. */
  private waitingFor(live: LiveAlert): string[] {
    const { mayBeEmpty, knownBy } = live.rule;
    if (knownBy !== undefined && !this.hasSeries(knownBy))
      return [`${knownBy} has no series in this process now: its collector has no data`];
    if (mayBeEmpty !== undefined) return [];
    const names = new Set(selectionsOf(live.rule.signal).map(({ metric }) => metric.name));
    const missing = [...names].filter((name) => !this.hasSeries(name));
    if (missing.length > 0) return missing.map((name) => `${name} has no series in this process now`);
    const observed = this.alerts.observe(live);
    if (observed.some(({ value, idle }) => value !== null || idle)) return [];
    const { minSamples, windowMs } = live.threshold;
    const most = Math.max(0, ...observed.map(({ samples }) => samples));
    return [`${most} samples within ${formatDuration(windowMs)}, where ${minSamples} are needed`];
  }

  private hasSeries(name: string): boolean {
    return (this.metrics.find(name)?.series.size ?? 0) > 0;
  }

  private runbookProblems(name: string): string[] {
    return existsSync(join(runbookFolder(), `${name}.md`)) ? [] : [`alerts/runbooks/${name}.md is missing`];
  }
}
