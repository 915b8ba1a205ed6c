import { type Panel, timeseries } from '../house-style.js';
import { rate } from './queries.js';

/** Utilisation and saturation of the process. */
export const processPanels: readonly Panel[] = [
  timeseries({
    title: 'CPU over what is allowed',
    description: 'CPU time used over what the process may use: the cgroup quota, else the cores of the host.',
    unit: 'percentunit',
    threshold: 'cpu',
    width: 8,
    queries: [{ expr: 'tidewatch_process_cpu_utilization_ratio{$p}', legend: '{{instance}}' }],
  }),
  timeseries({
    title: 'Resident memory',
    description: 'Resident set of the process, and what it may use.',
    unit: 'bytes',
    threshold: 'memory',
    width: 8,
    queries: [
      { expr: 'tidewatch_process_resident_memory_bytes{$p}', legend: 'used {{instance}}' },
      { expr: 'tidewatch_process_memory_limit_bytes{$p}', legend: 'may use {{instance}}' },
    ],
  }),
  timeseries({
    title: 'Heap',
    description: 'Used JavaScript heap over its limit. Near the limit, time goes into full collections.',
    unit: 'percentunit',
    threshold: 'heap_used',
    width: 8,
    queries: [{ expr: 'tidewatch_process_heap_utilization_ratio{$p}', legend: '{{instance}}' }],
  }),
  timeseries({
    title: 'Event loop delay',
    description: 'How late timers run: every message and every answer waits as long.',
    unit: 's',
    threshold: 'event_loop_delay',
    width: 8,
    queries: [
      { expr: 'tidewatch_process_event_loop_delay_seconds{$p, statistic="0.5"}', legend: 'p50 {{instance}}' },
      {
        expr: 'tidewatch_process_event_loop_delay_seconds{$p, statistic="0.99"}',
        legend: 'p99 {{instance}}',
      },
      { expr: 'tidewatch_process_event_loop_delay_seconds{$p, statistic="max"}', legend: 'max {{instance}}' },
    ],
  }),
  timeseries({
    title: 'Event loop utilisation',
    description: 'Share of the time in which the event loop was busy.',
    unit: 'percentunit',
    width: 8,
    queries: [{ expr: 'tidewatch_process_event_loop_utilization_ratio{$p}', legend: '{{instance}}' }],
  }),
  timeseries({
    title: 'Garbage collection',
    description: 'Share of the time spent in collections, by kind.',
    unit: 'percentunit',
    width: 8,
    queries: [{ expr: rate('tidewatch_process_gc_duration_seconds_sum{$p}', 'kind'), legend: '{{kind}}' }],
  }),
];
