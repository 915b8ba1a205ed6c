import { loadThresholds } from '../../src/observability/alerting/thresholds.js';
import { type Panel, stat, timeseries } from '../house-style.js';

const grafanaUnits: Readonly<Record<string, string>> = {
  ms: 's',
  s: 's',
  GB: 'bytes',
  '%': 'percentunit',
  'msg/s': 'cps',
  'updates/s': 'cps',
  ratio: 'short',
  '1': 'short',
};

const needsLoad = 'nothing of the kind happened within the window';

/** The eight rows as single numbers, coloured by the thresholds that alert. */
export const targetStats: readonly Panel[] = [...loadThresholds().targets.values()].map((target) =>
  stat({
    title: target.component,
    description: `${target.measures} (${target.statistic}). Target ${words(target.id, 'warning')}, critical ${words(target.id, 'critical')}.`,
    unit: grafanaUnits[target.unit],
    threshold: target.id,
    queries: [
      {
        expr: `tidewatch:target:value{target="${target.id}", $p}`,
        legend: '{{instance}}',
        mayBeEmpty: target.demand ? 'no client subscribes' : needsLoad,
      },
    ],
  }),
);

/** The eight rows over time, with the lines that page. */
export const targetHistory: readonly Panel[] = [...loadThresholds().targets.values()].map((target) =>
  timeseries({
    title: `${target.component} over time`,
    description: `${target.measures}. ${target.reason}`,
    unit: grafanaUnits[target.unit],
    threshold: target.id,
    height: 7,
    width: 6,
    queries: [
      {
        expr: `tidewatch:target:value{target="${target.id}", $p}`,
        legend: '{{instance}}',
        mayBeEmpty: target.demand ? 'no client subscribes' : needsLoad,
      },
      ...(target.demand
        ? [
            {
              expr: `tidewatch:target:demand{target="${target.id}", $p}`,
              legend: 'asked for {{instance}}',
              mayBeEmpty: 'no client subscribes',
            },
          ]
        : []),
    ],
  }),
);

function words(id: string, severity: 'warning' | 'critical'): string {
  const target = loadThresholds().targets.get(id);
  const edge = target?.[severity];
  if (!target || !edge) return 'none';
  // The warning edge names the bad side; the target is the good one.
  const above = (edge.direction === 'above') === (severity === 'critical');
  return `${above ? 'above' : 'below'} ${edge.threshold} ${target.unit}`;
}
