import { Injectable } from '@nestjs/common';
import { type LatencyRow, LatencyWindows, latencyRows } from '../latency-windows.js';
import type { WindowReading } from '../rolling-window.js';
import { formatDuration } from './duration.js';
import { judgeTarget, type TargetJudgement } from './target-status.js';
import { fromBase, loadThresholds, type Target } from './thresholds.js';

/** One row of `GET /api/v1/ops/targets`. Numbers are in `unit`. */
export interface TargetAnswer {
  readonly id: string;
  readonly component: string;
  readonly measures: string;
  /** Which statistic of the window is judged; the others stand in `statistics`. */
  readonly statistic: Target['statistic'];
  readonly unit: string;
  /** `below`: lower is better, as for times; `above`: higher is better, as for throughput. */
  readonly good: 'below' | 'above';
  readonly target: number;
  readonly critical: number;
  readonly current_value: number | null;
  readonly status: TargetJudgement['status'];
  readonly reason: string | null;
  readonly window: string;
  readonly window_seconds: number;
  readonly sample_count: number;
  readonly min_samples: number;
  readonly as_of: string | null;
  readonly data_age_ms: number | null;
  readonly statistics: Readonly<Record<'mean' | 'p50' | 'p95' | 'p99' | 'max', number | null>>;
  /** Messages per second that were asked for; only for rows that are judged against demand. */
  readonly demand?: number;
}

export interface TargetsAnswer {
  readonly as_of: string;
  /** Of the oldest reading; `null` when no row has one. */
  readonly data_age_ms: number | null;
  /** Version of `alerts/thresholds.yml`. */
  readonly catalogue_version: number;
  /** The worst of all rows; a row of which nothing is known is worse than one that is ok. */
  readonly status: TargetJudgement['status'];
  readonly targets: readonly TargetAnswer[];
}

/** The eight rows of the threshold table and how this process stands to them, from its own last minutes. */
@Injectable()
export class TargetsService {
  private readonly thresholds = loadThresholds();

  constructor(private readonly windows: LatencyWindows) {}

  answer(nowMs = Date.now()): TargetsAnswer {
    const targets = [...this.thresholds.targets.values()].map((target) => this.row(target, nowMs));
    const known = (status: TargetJudgement['status']) => targets.some((row) => row.status === status);
    const worst = (['critical', 'target_missed', 'unknown'] as const).find(known) ?? 'ok';
    const ages = targets.flatMap(({ data_age_ms: ageMs }) => (ageMs === null ? [] : [ageMs]));
    return {
      as_of: new Date(nowMs).toISOString(),
      data_age_ms: ages.length === 0 ? null : Math.max(...ages),
      catalogue_version: this.thresholds.version,
      status: worst,
      targets,
    };
  }

  /** How a row stands now, for the alert rules over it. */
  judge(target: Target): TargetJudgement {
    return judgeTarget(target, this.read(target), this.demand(target));
  }

  private row(target: Target, nowMs: number): TargetAnswer {
    const reading = this.read(target);
    const demand = this.demand(target);
    const judged = judgeTarget(target, reading, demand);
    const inUnit = (value: number | null) => (value === null ? null : fromBase(value, target.unit));
    return {
      id: target.id,
      component: target.component,
      measures: target.measures,
      statistic: target.statistic,
      unit: target.unit,
      good: target.warning.direction === 'above' ? 'below' : 'above',
      target: target.warning.threshold,
      critical: target.critical.threshold,
      current_value: judged.value,
      status: judged.status,
      reason: judged.reason,
      window: formatDuration(target.windowMs),
      window_seconds: target.windowMs / 1000,
      sample_count: judged.sampleCount,
      min_samples: target.minSamples,
      as_of: reading.lastAtMs === null ? null : new Date(reading.lastAtMs).toISOString(),
      data_age_ms: reading.lastAtMs === null ? null : nowMs - reading.lastAtMs,
      statistics: {
        mean: target.demand ? null : inUnit(reading.average),
        p50: target.demand ? null : inUnit(reading.p50),
        p95: target.demand ? null : inUnit(reading.p95),
        p99: target.demand ? null : inUnit(reading.p99),
        max: target.demand ? null : inUnit(reading.max),
      },
      ...(demand ? { demand: demand.perSecond } : {}),
    };
  }

  private read(target: Target): WindowReading {
    return this.windows.read(rowOf(target.id), target.windowMs / 1000);
  }

  private demand(target: Target): WindowReading | undefined {
    return target.demand ? this.windows.read('websocket_demand', target.windowMs / 1000) : undefined;
  }
}

/** The window that holds a row's samples. @throws Error when the row has none: a drift test keeps the two in step */
function rowOf(id: string): LatencyRow {
  if (id in latencyRows) return id as LatencyRow;
  throw new Error(`no window records the row "${id}"`);
}
