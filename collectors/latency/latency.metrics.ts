import { gauge, histogram } from '../../src/observability/collection/collector.js';

export const rows = [
  'api_response_time',
  'websocket_latency',
  'query_time',
  'var_time',
  'analytics_update',
] as const;

export const latency = gauge(
  'tidewatch_latency_seconds',
  'Latency rows of the threshold table within the last minute, computed in the process; no series without samples.',
  { row: rows, statistic: ['mean', '0.5', '0.95', '0.99', 'max'] },
);
export const samples = gauge(
  'tidewatch_latency_samples',
  'How many observations the latency row of the last minute rests on.',
  { row: rows },
);
export const dependencyPing = histogram(
  'tidewatch_latency_dependency_ping_seconds',
  'Time of the smallest possible round trip to a dependency: SELECT 1, PING.',
  [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  { dependency: ['postgres', 'redis'] },
);

export const metrics = [latency, samples, dependencyPing];
