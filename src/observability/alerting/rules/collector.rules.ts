import {
  collectorInterval,
  collectorLastSuccessAge,
  collectorSuccess,
  metricOverflow,
} from '../../catalogue/watching.js';
import { gaugeOf, increaseOf, ratioOf } from '../signal.js';
import type { Rule } from './rule.js';

export const collectorRules: readonly Rule[] = [
  {
    kind: 'signal',
    group: 'collectors',
    threshold: 'collector_failing',
    alerts: { warning: 'CollectorFailing' },
    signal: gaugeOf(collectorSuccess, 'min'),
    by: ['collector'],
    absent: 'good',
    dashboard: 'tidewatch-collectors',
    summary: 'The collector {label:collector} fails',
    description:
      'The last run of the collector {label:collector} failed. Its series keep their last values until they are stale, and are then withdrawn.',
  },
  {
    kind: 'signal',
    group: 'collectors',
    threshold: 'collector_stale',
    alerts: { warning: 'CollectorStale' },
    signal: ratioOf(gaugeOf(collectorLastSuccessAge), gaugeOf(collectorInterval)),
    by: ['collector'],
    absent: 'good',
    dashboard: 'tidewatch-collectors',
    summary: 'The collector {label:collector} has not succeeded for {value} of its intervals',
    description:
      'What the collector {label:collector} measures is unknown: its last success is {value} intervals ago, and its series are withdrawn.',
  },
  {
    kind: 'signal',
    group: 'collectors',
    threshold: 'cardinality_overflow',
    alerts: { warning: 'CardinalityOverflow' },
    signal: increaseOf(metricOverflow),
    mayBeEmpty: 'no label has grown beyond its bound',
    by: ['metric'],
    dashboard: 'tidewatch-collectors',
    summary: '{label:metric} has more label sets than it may have',
    description:
      '{value} label sets of {label:metric} were folded into the series labelled overflow within {window}: a label grows without bound.',
  },
];
