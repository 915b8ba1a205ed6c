import { gauge } from '../../src/observability/collection/collector.js';

const spread = { statistic: ['0.5', '0.95', 'max'] } as const;

export const lag = gauge(
  'tidewatch_websocket_lag_seconds',
  'How long the oldest message that still waits has waited, over all connections; 0 for those that keep up.',
  spread,
);
export const queuedBytes = gauge(
  'tidewatch_websocket_queued_bytes',
  'Bytes that wait for one connection, over all connections.',
  spread,
);
export const queuedMessages = gauge(
  'tidewatch_websocket_queued_messages',
  'Messages that wait for one connection, over all connections.',
  spread,
);
export const slowConnections = gauge(
  'tidewatch_websocket_slow_connections',
  'Connections whose oldest message waits for more than a second.',
);
export const subscriptions = gauge(
  'tidewatch_websocket_subscriptions_per_connection',
  'Topics that one connection follows, over all connections.',
  spread,
);

export const metrics = [lag, queuedBytes, queuedMessages, slowConnections, subscriptions];
