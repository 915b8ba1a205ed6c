import { catalogue } from '../../catalogue/index.js';
import type { LatencyRow } from '../../latency-windows.js';
import {
  averageOf,
  collected,
  gaugeOf,
  type MetricRef,
  meanOf,
  quantileOf,
  rateOf,
  type Signal,
} from '../signal.js';
import type { DashboardUid, SignalRule } from './rule.js';

/** The metric that feeds a row's window: declared once, where it is observed. A drift test asks for all of them. */
const measured = (row: LatencyRow): MetricRef =>
  catalogue.find((spec) => spec.window === row) ?? {
    name: `tidewatch_missing_${row}`,
    type: 'histogram',
    buckets: [1e9],
  };

const row = (
  threshold: string,
  alerts: readonly [warning: string, critical: string],
  signal: Signal,
  dashboard: DashboardUid,
  what: string,
): SignalRule => ({
  kind: 'signal',
  group: 'targets',
  threshold,
  alerts: { warning: alerts[0], critical: alerts[1] },
  signal,
  dashboard,
  summary: `${what} {value}, the edge is {threshold}`,
  description: `${what} {value} over {window}; the alert stays until it is back at {clear}.`,
});

/** The eight rows of the threshold table. */
export const targetRules: readonly SignalRule[] = [
  row(
    'api_response_time',
    ['ApiResponseTimeHigh', 'ApiResponseTimeCritical'],
    meanOf(measured('api_response_time')),
    'tidewatch-overview',
    'The API answers in a mean of',
  ),
  row(
    'websocket_latency',
    ['WebSocketLatencyHigh', 'WebSocketLatencyCritical'],
    quantileOf(0.95, measured('websocket_latency')),
    'tidewatch-websocket',
    'WebSocket delivery takes a p95 of',
  ),
  {
    ...row(
      'websocket_throughput',
      ['WebSocketThroughputLow', 'WebSocketThroughputCritical'],
      rateOf(measured('websocket_throughput')),
      'tidewatch-websocket',
      'While more is asked for, WebSocket clients get',
    ),
    demand: rateOf(measured('websocket_demand')),
  },
  row(
    'query_time',
    ['QueryTimeHigh', 'QueryTimeCritical'],
    quantileOf(0.95, measured('query_time')),
    'tidewatch-database',
    'Complex queries take a p95 of',
  ),
  row(
    'var_time',
    ['VarTimeHigh', 'VarTimeCritical'],
    quantileOf(0.95, measured('var_time')),
    'tidewatch-risk',
    'VaR calculations take a p95 of',
  ),
  row(
    'analytics_update',
    ['AnalyticsUpdateHigh', 'AnalyticsUpdateCritical'],
    quantileOf(0.95, measured('analytics_update')),
    'tidewatch-pipeline',
    'Analytics follow their tick in a p95 of',
  ),
  row(
    'memory',
    ['MemoryHigh', 'MemoryCritical'],
    gaugeOf(collected('tidewatch_process_resident_memory_bytes')),
    'tidewatch-overview',
    'The process holds',
  ),
  row(
    'cpu',
    ['CpuHigh', 'CpuCritical'],
    averageOf(collected('tidewatch_process_cpu_utilization_ratio')),
    'tidewatch-overview',
    'The process uses a sustained',
  ),
];
