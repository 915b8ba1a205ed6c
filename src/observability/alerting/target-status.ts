import type { WindowReading } from '../rolling-window.js';
import { isBeyond } from './state-machine.js';
import { fromBase, type Target } from './thresholds.js';

export type TargetStatus = 'ok' | 'target_missed' | 'critical' | 'unknown';

export interface TargetJudgement {
  readonly status: TargetStatus;
  /** The row's own statistic, in the row's unit; `null` without any sample. */
  readonly value: number | null;
  readonly sampleCount: number;
  /** Why the status is `unknown`; else `null`. */
  readonly reason: string | null;
  /** Whether there was nothing to judge (no demand), as opposed to nothing known. */
  readonly idle: boolean;
}

/**
 * Judges one row of the threshold table on what was recorded within its window.
 * @param reading in base units
 * @param demand what was asked for within the same window; for rows that are judged only while there is demand
 */
export function judgeTarget(target: Target, reading: WindowReading, demand?: WindowReading): TargetJudgement {
  const base = statisticOf(target, reading);
  const value = base === null ? null : fromBase(base, target.unit);
  const sampleCount = target.demand ? Math.round(reading.perSecond * reading.windowSeconds) : reading.count;
  const unknown = (reason: string, idle = false): TargetJudgement => ({
    status: 'unknown',
    value,
    sampleCount,
    reason,
    idle,
  });
  if (target.demand) {
    const offered = demand?.perSecond ?? 0;
    const delivered = value ?? 0;
    const short = offered >= target.demand.atLeast && delivered < offered * (1 - target.demand.shortfall);
    // What was delivered above the target proves itself, whatever was asked for.
    const proven = !isBeyond(delivered, target.warning.threshold, 'below', target.warning.inclusive);
    if (!short && !proven) {
      return offered === 0
        ? unknown('no demand: nobody subscribes to anything that was published within the window', true)
        : unknown(
            `no demand: ${round(offered)} messages/s were asked for and delivered; what more would take is not known`,
            true,
          );
    }
  } else if (reading.count < target.minSamples) {
    return unknown(`${reading.count} samples within the window, ${target.minSamples} are needed`);
  }
  if (value === null) return unknown('no samples within the window');
  return { status: statusOf(target, value), value, sampleCount, reason: null, idle: false };
}

/** The state of a value in the row's unit, without memory. */
function statusOf(target: Target, value: number): Exclude<TargetStatus, 'unknown'> {
  const { critical, warning } = target;
  if (isBeyond(value, critical.threshold, critical.direction, critical.inclusive)) return 'critical';
  return isBeyond(value, warning.threshold, warning.direction, warning.inclusive) ? 'target_missed' : 'ok';
}

function statisticOf(target: Target, reading: WindowReading): number | null {
  switch (target.statistic) {
    case 'mean':
      return reading.average;
    case 'p95':
      return reading.p95;
    case 'rate':
      return reading.lastAtMs === null && reading.count === 0 ? null : reading.perSecond;
    case 'last':
      return reading.count === 0 ? null : reading.last;
  }
}

const round = (value: number): number => Number(value.toPrecision(3));
