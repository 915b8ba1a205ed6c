import { type Dashboard, stat, timeseries } from './house-style.js';
import { grew, mean, quantile, rate } from './panels/queries.js';

const requests = 'tidewatch_http_request_duration_seconds';
const noWebSocket = 'the run had no WebSocket clients';

/** The server's side of a load run: set the time range to the run, and the first row is its verdict. */
export const loadTest: Dashboard = {
  uid: 'tidewatch-load-test',
  title: 'Tidewatch: load-test runs',
  description:
    'What the server saw of a load run. Set the time range to the run: the first row is its verdict by the gates of artillery/profiles, the rest says where the time went.',
  from: 'now-15m',
  rows: [
    {
      title: 'The run as a whole',
      panels: [
        stat({
          title: 'Requests',
          description: 'Requests answered within the time range, by status.',
          unit: 'short',
          queries: [{ expr: grew(`${requests}_count{$p}`, 'status'), legend: '{{status}}' }],
        }),
        stat({
          title: 'Mean response time',
          description: 'Over the whole time range. Gate: the target of the row.',
          unit: 's',
          threshold: 'api_response_time',
          queries: [
            {
              expr: `sum(increase(${requests}_sum{$p}[$__range])) / sum(increase(${requests}_count{$p}[$__range]))`,
              legend: 'mean',
            },
          ],
        }),
        stat({
          title: 'p99 of WebSocket delivery',
          description: 'Over the whole time range. Gate: the target of the row.',
          unit: 's',
          threshold: 'websocket_latency',
          queries: [
            {
              expr: 'histogram_quantile(0.99, sum by (le) (increase(tidewatch_ws_delivery_seconds_bucket{$p}[$__range])))',
              legend: 'p99',
              mayBeEmpty: noWebSocket,
            },
          ],
        }),
        stat({
          title: 'p99 of tick to analytics',
          description: 'Over the whole time range.',
          unit: 's',
          threshold: 'analytics_update',
          queries: [
            {
              expr: 'histogram_quantile(0.99, sum by (le) (increase(tidewatch_analytics_publish_latency_seconds_bucket{$p}[$__range])))',
              legend: 'p99',
            },
          ],
        }),
      ],
    },
    {
      title: 'Load and answer',
      panels: [
        timeseries({
          title: 'Offered load',
          description: 'Requests per second, rows per second and messages asked for.',
          unit: 'ops',
          width: 8,
          queries: [
            { expr: rate(`${requests}_count{$p}`), legend: 'requests {{instance}}' },
            { expr: rate('tidewatch_ingest_rows_total{$p}'), legend: 'rows {{instance}}' },
            { expr: rate('tidewatch_ws_demanded_total{$p}'), legend: 'messages {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Response time of the run',
          description: 'Mean and 99th percentile over all routes.',
          unit: 's',
          threshold: 'api_response_time',
          width: 8,
          queries: [
            { expr: mean(requests), legend: 'mean {{instance}}' },
            { expr: quantile(0.99, requests), legend: 'p99 {{instance}}', exemplars: true },
          ],
        }),
        timeseries({
          title: 'Errors of the run',
          description: 'Server errors, refused rows and clients closed as too slow.',
          unit: 'ops',
          width: 8,
          queries: [
            {
              expr: rate(`${requests}_count{$p, status="5xx"}`),
              legend: '5xx {{instance}}',
              mayBeEmpty: 'no server error',
            },
            {
              expr: rate('tidewatch_store_writer_refused_rows_total{$p}'),
              legend: 'refused rows {{instance}}',
            },
            { expr: rate('tidewatch_ws_slow_consumers_total{$p}'), legend: 'slow clients {{instance}}' },
          ],
        }),
      ],
    },
    {
      title: 'Where the time went',
      panels: [
        timeseries({
          title: 'Event loop and CPU',
          description: 'Busy event loop, and CPU over what the process may use.',
          unit: 'percentunit',
          width: 8,
          queries: [
            { expr: 'tidewatch_process_event_loop_utilization_ratio{$p}', legend: 'event loop {{instance}}' },
            { expr: 'tidewatch_process_cpu_utilization_ratio{$p}', legend: 'CPU {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Pool wait and commit',
          description: '99th percentiles of the wait for a connection and of a commit.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: quantile(0.99, 'tidewatch_store_pool_acquire_wait_seconds', '', 'pool'),
              legend: 'wait {{pool}}',
            },
            {
              expr: quantile(0.99, 'tidewatch_store_writer_flush_seconds', '', 'writer'),
              legend: 'commit {{writer}}',
            },
          ],
        }),
        timeseries({
          title: 'Memory of the run',
          description: 'Resident memory; it has to come back after the run.',
          unit: 'bytes',
          threshold: 'memory',
          width: 8,
          queries: [{ expr: 'tidewatch_process_resident_memory_bytes{$p}', legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'What waits',
          description: 'Rows not durable, ticks not applied, bytes not read by clients.',
          unit: 'short',
          width: 12,
          queries: [
            { expr: 'tidewatch_ingest_buffered_rows{$p}', legend: 'rows {{instance}}' },
            { expr: 'tidewatch_analytics_queue_ticks{$p}', legend: 'ticks {{instance}}' },
            { expr: 'tidewatch_ws_queued_bytes{$p}', legend: 'bytes {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Garbage collection of the run',
          description: '99th percentile of the pauses, by kind.',
          unit: 's',
          width: 12,
          queries: [
            { expr: quantile(0.99, 'tidewatch_process_gc_duration_seconds', '', 'kind'), legend: '{{kind}}' },
          ],
        }),
      ],
    },
  ],
};
