import { type Dashboard, timeseries } from './house-style.js';
import { distribution, quantile, rate } from './panels/queries.js';

export const websocket: Dashboard = {
  uid: 'tidewatch-websocket',
  title: 'Tidewatch: WebSocket',
  description: 'Connections, deliveries and what waits for slow clients.',
  rows: [
    {
      title: 'Delivery',
      panels: [
        timeseries({
          title: 'Delivery time',
          description: 'From a publication to its last byte handed to the last subscriber’s socket.',
          unit: 's',
          threshold: 'websocket_latency',
          width: 8,
          queries: distribution('tidewatch_ws_delivery_seconds'),
        }),
        timeseries({
          title: 'Messages',
          description:
            'Messages handed to sockets and messages that were to be. Throughput is judged only where the two part.',
          unit: 'cps',
          threshold: 'websocket_throughput',
          width: 8,
          queries: [
            { expr: rate('tidewatch_ws_deliveries_total{$p}'), legend: 'delivered {{instance}}' },
            { expr: rate('tidewatch_ws_demanded_total{$p}'), legend: 'asked for {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Age of the numbers',
          description: 'Age of the tick behind a summary when it is published.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: quantile(0.95, 'tidewatch_ws_data_age_seconds'),
              legend: 'p95 {{instance}}',
              exemplars: true,
            },
          ],
        }),
        timeseries({
          title: 'Publications',
          description: 'Messages published, whether anyone follows their topic or not.',
          unit: 'cps',
          width: 8,
          queries: [{ expr: rate('tidewatch_ws_publications_total{$p}'), legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'Publications that failed',
          description: 'Messages that could not be handed to the broker.',
          unit: 'short',
          threshold: 'publish_failures',
          width: 8,
          queries: [
            {
              expr: 'sum by (instance) (increase(tidewatch_ws_publish_failures_total{$p}[$__rate_interval]))',
              legend: '{{instance}}',
            },
          ],
        }),
        timeseries({
          title: 'Messages per write',
          description: 'Messages joined in one write to a socket: micro-batching at work.',
          unit: 'short',
          width: 8,
          queries: [{ expr: quantile(0.95, 'tidewatch_ws_write_messages'), legend: 'p95 {{instance}}' }],
        }),
        timeseries({
          title: 'Bytes delivered',
          description: 'Bytes of publications handed to sockets.',
          unit: 'Bps',
          width: 8,
          queries: [{ expr: rate('tidewatch_ws_delivered_bytes_total{$p}'), legend: '{{instance}}' }],
        }),
      ],
    },
    {
      title: 'Connections',
      panels: [
        timeseries({
          title: 'Connections',
          description: 'Clients connected now, and the most that the process accepts.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: 'sum by (instance, transport) (tidewatch_ws_connections{$p})',
              legend: '{{transport}} {{instance}}',
            },
            { expr: 'tidewatch_ws_connection_limit{$p}', legend: 'limit {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Connections over the limit',
          description: 'At 100 % new clients are turned away.',
          unit: 'percentunit',
          threshold: 'connections_full',
          width: 8,
          queries: [
            {
              expr: 'sum by (job, instance) (tidewatch_ws_connections{$p}) / max by (job, instance) (tidewatch_ws_connection_limit{$p})',
              legend: '{{instance}}',
            },
          ],
        }),
        timeseries({
          title: 'Handshakes',
          description: 'Upgrade requests, by what came of them.',
          unit: 'ops',
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_ws_handshakes_total{$p}', 'result'),
              legend: '{{result}}',
              mayBeEmpty: 'nobody has connected yet',
            },
          ],
        }),
        timeseries({
          title: 'Closed connections',
          description:
            'By close code: 1012 asks to come back, 3008 is a client that did not keep up, 1006 went without a word.',
          unit: 'ops',
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_ws_closed_total{$p}', 'code'),
              legend: '{{code}}',
              mayBeEmpty: 'no connection has ended yet',
            },
          ],
        }),
        timeseries({
          title: 'Subscriptions and topics',
          description: 'What clients follow.',
          unit: 'short',
          width: 8,
          queries: [
            { expr: 'tidewatch_ws_subscriptions{$p}', legend: 'subscriptions {{instance}}' },
            { expr: 'tidewatch_ws_topics{$p}', legend: 'topics {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Typed errors',
          description: 'Messages that were answered with an error; the connection lives.',
          unit: 'ops',
          width: 8,
          queries: [{ expr: rate('tidewatch_ws_errors_total{$p}'), legend: '{{instance}}' }],
        }),
      ],
    },
    {
      title: 'Slow clients',
      panels: [
        timeseries({
          title: 'Bytes that wait',
          description: 'Bytes that wait for clients to read: of all, and of the slowest.',
          unit: 'bytes',
          width: 8,
          queries: [
            { expr: 'tidewatch_ws_queued_bytes{$p}', legend: 'all {{instance}}' },
            { expr: 'tidewatch_ws_queued_bytes_max{$p}', legend: 'slowest {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Lag of clients',
          description: 'Age of the oldest message that waits for a client.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: 'tidewatch_websocket_lag_seconds{$p}',
              legend: '{{statistic}} {{instance}}',
              mayBeEmpty: 'nobody is connected',
            },
          ],
        }),
        timeseries({
          title: 'Closed as too slow, and skipped',
          description:
            'Clients closed with 3008, and messages that conflating subscriptions were told they skipped.',
          unit: 'short',
          threshold: 'slow_consumers',
          width: 8,
          queries: [
            {
              expr: 'sum by (instance) (increase(tidewatch_ws_slow_consumers_total{$p}[$__rate_interval]))',
              legend: 'closed {{instance}}',
            },
            {
              expr: 'sum by (instance) (increase(tidewatch_ws_skipped_total{$p}[$__rate_interval]))',
              legend: 'skipped {{instance}}',
            },
          ],
        }),
        timeseries({
          title: 'History for resume',
          description: 'Bytes kept for clients that resume, and messages given up before their age.',
          unit: 'bytes',
          width: 12,
          queries: [
            { expr: 'tidewatch_ws_history_bytes{$p}', legend: 'kept {{instance}}' },
            {
              expr: 'sum by (instance) (increase(tidewatch_ws_history_evicted_total{$p}[$__rate_interval]))',
              legend: 'given up {{instance}}',
            },
          ],
        }),
        timeseries({
          title: 'Broker',
          description: '1 while the nodes hear each other; 0 while this one is alone.',
          unit: 'short',
          threshold: 'broker_alone',
          width: 12,
          queries: [{ expr: 'tidewatch_ws_broker_up{$p}', legend: '{{instance}}' }],
        }),
      ],
    },
  ],
};
