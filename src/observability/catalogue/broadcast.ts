import { counter, gauge, histogram } from '../metric-spec.js';

const transport = ['websocket', 'sse'] as const;

/** Edges at the rows of the threshold table: 0.05 s target, 0.2 s critical. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5];

export const wsConnections = gauge('tidewatch_ws_connections', 'Clients connected now.', { transport });

export const wsConnectionLimit = gauge(
  'tidewatch_ws_connection_limit',
  'WebSocket connections that this process accepts.',
);

export const wsHandshakes = counter(
  'tidewatch_ws_handshakes_total',
  'Upgrade requests, by what came of them.',
  {
    result: [
      'accepted',
      'bad_request',
      'forbidden',
      'unauthorized',
      'not_found',
      'rate_limited',
      'over_capacity',
      'draining',
    ],
  },
);

export const wsHandshakeSeconds = histogram(
  'tidewatch_ws_handshake_seconds',
  'Event-loop time that one accepted handshake takes.',
  [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01],
);

export const wsClosed = counter('tidewatch_ws_closed_total', 'Connections that ended, by close code.', {
  code: [
    '1000',
    '1001',
    '1002',
    '1005',
    '1006',
    '1007',
    '1009',
    '1011',
    '1012',
    '3000',
    '3008',
    '4001',
    '4002',
    '4004',
    '4029',
    'other',
  ],
});

export const wsReceived = counter(
  'tidewatch_ws_received_total',
  'Text messages from clients other than pings of the usual form.',
);

export const wsErrors = counter(
  'tidewatch_ws_errors_total',
  'Typed errors answered to clients; what /ws/ingest refuses for its content is in tidewatch_ingest_requests_total.',
);

export const wsPublications = counter(
  'tidewatch_ws_publications_total',
  'Messages published, whether anyone follows their topic or not.',
);

export const wsPublishFailures = counter(
  'tidewatch_ws_publish_failures_total',
  'Messages that could not be published.',
);

export const wsDemanded = counter(
  'tidewatch_ws_demanded_total',
  'Messages that were to be handed to sockets: publications times their subscribers, as they are queued.',
  {},
  { window: 'websocket_demand' },
);

export const wsDeliveries = counter(
  'tidewatch_ws_deliveries_total',
  'Messages handed to sockets: publications times their subscribers.',
  {},
  { window: 'websocket_throughput' },
);

export const wsDeliveredBytes = counter(
  'tidewatch_ws_delivered_bytes_total',
  'Bytes of publications handed to sockets.',
);

export const wsSkipped = counter(
  'tidewatch_ws_skipped_total',
  'Messages that a conflating subscription was told it skipped.',
);

export const wsSlowClosed = counter(
  'tidewatch_ws_slow_consumers_total',
  'Clients closed because a subscription with policy all did not keep up.',
);

export const wsQueuedBytes = gauge(
  'tidewatch_ws_queued_bytes',
  'Bytes that wait in this process for clients to read.',
);

export const wsQueuedBytesMax = gauge(
  'tidewatch_ws_queued_bytes_max',
  'Bytes that wait for the slowest client.',
);

export const wsSubscriptions = gauge('tidewatch_ws_subscriptions', 'Subscriptions of all clients.');

export const wsTopics = gauge('tidewatch_ws_topics', 'Topics and families that someone follows.');

export const wsHistoryBytes = gauge(
  'tidewatch_ws_history_bytes',
  'Memory of the messages kept for clients that resume and for snapshots, and what is kept ready for the next.',
);

export const wsHistoryEvicted = counter(
  'tidewatch_ws_history_evicted_total',
  'Messages given up before their age because the history was full.',
);

export const wsShed = counter(
  'tidewatch_ws_shed_total',
  'What a limit on memory made the hub give up: topics forgotten early or refused, topics of a family left out of an answer, missed messages and snapshots too many for one answer, bases of patches, keys held for slow clients, pauses of conflation cut short.',
  {
    what: ['topic', 'new_topic', 'family_topic', 'missed', 'snapshot', 'delta_base', 'held_key', 'pause'],
  },
);

export const wsDeliverySeconds = histogram(
  'tidewatch_ws_delivery_seconds',
  'From a publication, or the end of the interval that a conflating client asked for, to its last byte handed to the last subscriber’s socket.',
  latencyBuckets,
  {},
  { window: 'websocket_latency' },
);

export const wsAgeSeconds = histogram(
  'tidewatch_ws_data_age_seconds',
  'Age of the tick behind a portfolio summary when it is published: from accepted to published.',
  latencyBuckets,
);

export const wsFlushMessages = histogram(
  'tidewatch_ws_write_messages',
  'Messages joined in one write.',
  [1, 2, 5, 10, 25, 50, 100, 250, 1000],
);

export const wsDeflateBytes = counter('tidewatch_ws_deflate_bytes_total', 'Bytes before and after deflate.', {
  side: ['in', 'out'],
});

export const wsBrokerUnheard = counter(
  'tidewatch_ws_broker_unheard_total',
  'Messages that the other nodes never heard, because too many waited while Redis was away.',
);

export const wsBrokerUp = gauge(
  'tidewatch_ws_broker_up',
  '1 while the nodes hear each other, 0 while this one is alone (degraded); always 1 with the memory broker.',
);
