import { counter, gauge, histogram } from '../../src/observability/collection/collector.js';

export const cpuSeconds = counter('tidewatch_process_cpu_seconds_total', 'CPU time of this process.', {
  mode: ['user', 'system'],
});
export const cpuLimit = gauge(
  'tidewatch_process_cpu_limit_cores',
  'Cores that this process may use: the cgroup quota, else those of the machine.',
);
export const cpuUtilization = gauge(
  'tidewatch_process_cpu_utilization_ratio',
  'CPU time over what this process may use, since the run before.',
);
export const cpuThrottled = counter(
  'tidewatch_process_cpu_throttled_seconds_total',
  'Time for which the cgroup quota held this process back.',
);
export const residentBytes = gauge(
  'tidewatch_process_resident_memory_bytes',
  'Resident memory of this process.',
);
export const memoryLimit = gauge(
  'tidewatch_process_memory_limit_bytes',
  'Memory that this process may use: the cgroup limit, else what the machine has.',
);
export const memoryUtilization = gauge(
  'tidewatch_process_memory_utilization_ratio',
  'Resident memory over what this process may use.',
);
export const heapBytes = gauge('tidewatch_process_heap_bytes', "V8's heap.", {
  kind: ['used', 'committed', 'limit'],
});
export const heapUtilization = gauge('tidewatch_process_heap_utilization_ratio', 'Used heap over its limit.');
export const spaces = ['new', 'old', 'code', 'trusted', 'large_object', 'new_large_object', 'other'] as const;
export const heapSpaces = gauge(
  'tidewatch_process_heap_space_bytes',
  'Used bytes of the spaces of the heap.',
  {
    space: spaces,
  },
);
export const externalBytes = gauge(
  'tidewatch_process_external_bytes',
  'Memory of objects outside of the heap.',
  {
    kind: ['external', 'array_buffers'],
  },
);
export const loopUtilization = gauge(
  'tidewatch_process_event_loop_utilization_ratio',
  'Share of the time in which the event loop was busy, since the run before.',
);
export const loopDelay = gauge(
  'tidewatch_process_event_loop_delay_seconds',
  'How late the event loop ran timers, since the run before.',
  { statistic: ['mean', '0.5', '0.95', '0.99', 'max'] },
);
export const gcSeconds = histogram(
  'tidewatch_process_gc_duration_seconds',
  'Pauses for garbage collection.',
  [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  { kind: ['minor', 'major', 'incremental', 'weak_callbacks'] },
);
export const openFiles = gauge('tidewatch_process_open_files', 'Open file descriptors.');
export const maxFiles = gauge('tidewatch_process_max_files', 'File descriptors that this process may open.');
export const resources = gauge(
  'tidewatch_process_active_resources',
  'What keeps the event loop alive: timers, sockets, requests.',
);
export const startTime = gauge(
  'tidewatch_process_start_timestamp_seconds',
  'Unix time of the start of this process.',
);
export const build = gauge('tidewatch_process_info', 'What runs here (1).', {
  node: 'bounded',
  platform: 'bounded',
});

export const metrics = [
  cpuSeconds,
  cpuLimit,
  cpuUtilization,
  cpuThrottled,
  residentBytes,
  memoryLimit,
  memoryUtilization,
  heapBytes,
  heapUtilization,
  heapSpaces,
  externalBytes,
  loopUtilization,
  loopDelay,
  gcSeconds,
  openFiles,
  maxFiles,
  resources,
  startTime,
  build,
];
