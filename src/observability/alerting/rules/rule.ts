import type { Guard, Signal } from '../signal.js';
import type { Severity } from '../thresholds.js';

/** One file of `alerts/rules/` each. */
export const ruleGroups = [
  'targets',
  'slo',
  'platform',
  'collectors',
  'database',
  'redis',
  'pipeline',
  'risk',
  'watchers',
] as const;
export type RuleGroup = (typeof ruleGroups)[number];

/** Uid of the dashboard on which the signal of a rule is seen. */
export type DashboardUid =
  | 'tidewatch-overview'
  | 'tidewatch-pipeline'
  | 'tidewatch-websocket'
  | 'tidewatch-database'
  | 'tidewatch-redis'
  | 'tidewatch-risk'
  | 'tidewatch-collectors';

interface Described {
  readonly group: RuleGroup;
  /** Name of the alert on each side of the threshold; a side that the threshold has must be named. */
  readonly alerts: Partial<Readonly<Record<Severity, string>>>;
  /**
   * One line and one paragraph. Placeholders: `{value}` in the threshold's unit, `{threshold}`, `{window}`, and
   * `{label:name}`; they become Prometheus templates and, in the app, the values themselves.
   */
  readonly summary: string;
  readonly description: string;
  readonly dashboard: DashboardUid;
  /** Its promtool tests are in `alerts/tests/outside.test.yml`, because series for them cannot be made from the rule. */
  readonly testedByHand?: boolean;
}

/** A signal judged against an entry of `alerts/thresholds.yml`, by Prometheus and in the app alike. */
export interface SignalRule extends Described {
  readonly kind: 'signal';
  /** Id of the entry, of a target or of a limit. */
  readonly threshold: string;
  readonly signal: Signal;
  /** Labels by which it is judged apart, besides the process. */
  readonly by?: readonly string[];
  readonly guards?: readonly Guard[];
  /** What is asked for, where a row is judged only while that is more than `signal` delivers. */
  readonly demand?: Signal;
  /**
   * What missing data means. `unknown` (the default): what fires goes on. `good`: the thing is gone, and so is its
   * problem, as with a pool that was closed.
   */
  readonly absent?: 'unknown' | 'good';
  /** When there are no series of it. A test asks a loaded server for some nevertheless, wherever it can. */
  readonly mayBeEmpty?: string;
  /** A series of the same collector that is always there with its data: without it, no series means nothing is known. */
  readonly knownBy?: string;
}

/** Judged by Prometheus only, because the app cannot: a process cannot notice that it is down. */
export interface PrometheusRule extends Described {
  readonly kind: 'prometheus';
  readonly threshold: string;
  /** PromQL of the value, in base units, or a signal to write it from. */
  readonly promql?: (window: string) => string;
  readonly signal?: Signal;
  readonly by?: readonly string[];
  /** About no process in particular. */
  readonly global?: boolean;
  readonly outsideOnly: string;
}

export type Rule = SignalRule | PrometheusRule;
