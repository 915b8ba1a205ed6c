import { rules } from '../../../src/observability/alerting/rules/index.js';
import {
  loadThresholds,
  type Target,
  type Thresholds,
} from '../../../src/observability/alerting/thresholds.js';

/** Numbers of one row that a test can reach, in the row's unit. */
export interface Reachable {
  readonly target: number;
  readonly critical: number;
  readonly demandAtLeast?: number;
}

const windowMs = 5_000;
const forMs = 1_000;
const keepFiringMs = 1_000;

/**
 * The shipped thresholds in a hurry: the same rows, rules and expressions, with windows and dwell times of seconds
 * instead of minutes and few samples enough, so that a test sees alerts fire and resolve. Rows in `reachable` also get
 * other numbers, where the real ones cannot be reached honestly within a test (4 GB of memory).
 */
export function impatientThresholds(reachable: Readonly<Record<string, Reachable>>): Thresholds {
  const shipped = loadThresholds();
  const targets = new Map([...shipped.targets].map(([id, row]) => [id, hurried(row, reachable[id])]));
  return { ...shipped, targets };
}

function hurried(row: Target, numbers: Reachable | undefined): Target {
  const edge = (shipped: Target['warning'], threshold: number | undefined): Target['warning'] =>
    threshold === undefined
      ? { ...shipped, forMs }
      : { ...shipped, threshold, clearThreshold: threshold, forMs };
  return {
    ...row,
    windowMs,
    keepFiringMs,
    minSamples: 1,
    warning: edge(row.warning, numbers?.target),
    critical: edge(row.critical, numbers?.critical),
    demand:
      row.demand && numbers?.demandAtLeast !== undefined
        ? { ...row.demand, atLeast: numbers.demandAtLeast }
        : row.demand,
  };
}

/** The rules of the eight rows. */
export const targetRules = rules.filter(({ group }) => group === 'targets');
