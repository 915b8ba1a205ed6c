import { type Panel, timeseries } from '../house-style.js';
import { quantile, rate } from './queries.js';

/** Utilisation, saturation and errors of the connection pools. */
export const poolPanels: readonly Panel[] = [
  timeseries({
    title: 'Pool utilisation',
    description:
      'Connections in use over the most that the pool may open. Above the line the next burst waits.',
    unit: 'percentunit',
    threshold: 'pool_utilization',
    width: 8,
    queries: [{ expr: 'tidewatch_pool_utilization_ratio{$p}', legend: '{{pool}} {{instance}}' }],
  }),
  timeseries({
    title: 'Waiting for a connection',
    description: '99th percentile of the wait, measured at every request and not sampled.',
    unit: 's',
    width: 8,
    queries: [
      {
        expr: quantile(0.99, 'tidewatch_store_pool_acquire_wait_seconds', '', 'pool'),
        legend: '{{pool}}',
        mayBeEmpty: 'nobody asked for a connection',
      },
    ],
  }),
  timeseries({
    title: 'Requests that wait',
    description: 'Requests in the queue of the pool now.',
    unit: 'short',
    width: 8,
    queries: [{ expr: 'tidewatch_pool_waiting_requests{$p}', legend: '{{pool}} {{instance}}' }],
  }),
  timeseries({
    title: 'Broken connections',
    description: 'Connections found broken or that could not be opened.',
    unit: 'short',
    threshold: 'pool_invalid_connections',
    width: 8,
    queries: [
      {
        expr: 'sum by (pool) (increase(tidewatch_store_pool_connection_errors_total{$p}[$__rate_interval]))',
        legend: '{{pool}}',
      },
    ],
  }),
  timeseries({
    title: 'Acquire timeouts',
    description: 'Requests that got no connection in time: each of them failed.',
    unit: 'short',
    threshold: 'pool_acquire_timeouts',
    width: 8,
    queries: [
      {
        expr: 'sum by (pool) (increase(tidewatch_store_pool_acquire_timeouts_total{$p}[$__rate_interval]))',
        legend: '{{pool}}',
      },
    ],
  }),
  timeseries({
    title: 'Backends of the server',
    description:
      'PostgreSQL backends by owner and state. Idle in transaction holds locks and keeps dead rows.',
    unit: 'short',
    stacked: true,
    width: 8,
    queries: [
      { expr: 'sum by (owner, state) (tidewatch_pool_server_backends{$p})', legend: '{{owner}} {{state}}' },
    ],
  }),
  timeseries({
    title: 'Connections of the server',
    description: 'All backends over the connections that PostgreSQL accepts from ordinary users.',
    unit: 'percentunit',
    threshold: 'connections_used',
    width: 8,
    queries: [{ expr: 'tidewatch_pool_server_utilization_ratio{$p}', legend: '{{instance}}' }],
  }),
  timeseries({
    title: 'Connections opened',
    description:
      'Opening one costs 5–15 ms and a process on the server: a steady rate means that they do not live.',
    unit: 'ops',
    width: 8,
    queries: [
      { expr: rate('tidewatch_store_pool_connections_opened_total{$p}', 'pool'), legend: '{{pool}}' },
    ],
  }),
];
