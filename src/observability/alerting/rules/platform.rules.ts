import { ready } from '../../catalogue/platform.js';
import { collected, gaugeOf } from '../signal.js';
import type { Rule } from './rule.js';

const down = 'a process that is down judges nothing';

export const platformRules: readonly Rule[] = [
  {
    kind: 'prometheus',
    group: 'platform',
    threshold: 'instance_down',
    alerts: { critical: 'InstanceDown' },
    promql: (window) => `1 - max by (job, instance) (max_over_time(up{job="tidewatch"}[${window}]))`,
    outsideOnly: down,
    dashboard: 'tidewatch-overview',
    summary: '{label:instance} does not answer scrapes',
    description:
      'Every scrape of {label:instance} within {window} failed. Nothing else can be judged until one succeeds.',
  },
  {
    kind: 'prometheus',
    group: 'platform',
    threshold: 'metrics_absent',
    alerts: { critical: 'TidewatchAbsent' },
    promql: () => 'count(up{job="tidewatch"} == 1) or vector(0)',
    global: true,
    outsideOnly: down,
    dashboard: 'tidewatch-overview',
    summary: 'No Tidewatch server is being scraped',
    description:
      'Prometheus scrapes no target of the job tidewatch with success: the job is gone from its configuration, or all servers are.',
  },
  {
    kind: 'prometheus',
    group: 'platform',
    threshold: 'restarts',
    alerts: { warning: 'RestartLoop' },
    promql: (window) =>
      `sum by (job, instance) (changes(tidewatch_process_start_timestamp_seconds[${window}]))`,
    outsideOnly: 'a process does not remember its former lives',
    dashboard: 'tidewatch-overview',
    summary: '{label:instance} has started {value} times within {window}',
    description:
      '{label:instance} has started {value} times within {window}: it ends and is started again, over and over.',
  },
  {
    kind: 'signal',
    group: 'platform',
    threshold: 'not_ready',
    alerts: { warning: 'NotReady' },
    signal: gaugeOf(ready, 'min'),
    dashboard: 'tidewatch-overview',
    summary: 'The readiness check refuses traffic',
    description:
      'GET /health/ready has answered 503 for a while: a dependency is away, or start and drain do not end.',
  },
  {
    kind: 'signal',
    group: 'platform',
    threshold: 'event_loop_delay',
    alerts: { warning: 'EventLoopDelayHigh', critical: 'EventLoopBlocked' },
    signal: gaugeOf(collected('tidewatch_process_event_loop_delay_seconds'), 'max', { statistic: '0.99' }),
    dashboard: 'tidewatch-overview',
    summary: 'The event loop is late by {value}',
    description:
      'The 99th percentile of the event loop delay is {value}; every message and every answer waits as long.',
  },
  {
    kind: 'signal',
    group: 'platform',
    threshold: 'heap_used',
    alerts: { warning: 'HeapNearLimit' },
    signal: gaugeOf(collected('tidewatch_process_heap_utilization_ratio')),
    dashboard: 'tidewatch-overview',
    summary: 'The heap is {value} full',
    description:
      'The JavaScript heap is {value} full; near its limit the process spends its time in full collections, and then dies.',
  },
];
