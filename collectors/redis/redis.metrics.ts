import { counter, gauge, histogram } from '../../src/observability/collection/collector.js';

/** Commands that have a series of their own; the rest is `other`. */
export const commands = [
  'get',
  'mget',
  'set',
  'del',
  'unlink',
  'expire',
  'pexpire',
  'incr',
  'incrby',
  'hget',
  'hgetall',
  'hset',
  'zadd',
  'zrange',
  'xadd',
  'xrange',
  'xread',
  'publish',
  'subscribe',
  'eval',
  'evalsha',
  'fcall',
  'scan',
  'memory',
  'info',
  'ping',
  'other',
] as const;

export const commandSeconds = histogram(
  'tidewatch_redis_command_duration_seconds',
  'Time of a Redis command as this process sees it, from written to answered.',
  [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  { command: commands },
);
export const commandErrors = counter(
  'tidewatch_redis_command_errors_total',
  'Redis commands of this process that failed.',
  { command: commands },
);

export const up = gauge('tidewatch_redis_up', 'Whether the configured Redis answers (1) or not (0).');
export const clients = gauge('tidewatch_redis_clients', 'Clients of the Redis server.', {
  state: ['connected', 'blocked'],
});
export const serverCommands = counter(
  'tidewatch_redis_server_commands_total',
  'Commands that the server has processed, of all its clients.',
);
export const serverConnections = counter(
  'tidewatch_redis_server_connections_total',
  'Connections that the server has accepted.',
);
export const rejectedConnections = counter(
  'tidewatch_redis_rejected_connections_total',
  'Connections refused because of maxclients.',
);
export const networkBytes = counter('tidewatch_redis_network_bytes_total', 'Bytes through the server.', {
  direction: ['in', 'out'],
});
export const uptime = gauge('tidewatch_redis_uptime_seconds', 'Time since the server started.');
export const slowLog = gauge('tidewatch_redis_slow_log_entries', 'Entries in the slow log.');
export const pubsubChannels = gauge('tidewatch_redis_pubsub_channels', 'Channels with a subscriber.');
export const persistenceFailed = gauge(
  'tidewatch_redis_persistence_failed',
  'Whether the last attempt to save to disk failed (1).',
);

export const metrics = [
  commandSeconds,
  commandErrors,
  up,
  clients,
  serverCommands,
  serverConnections,
  rejectedConnections,
  networkBytes,
  uptime,
  slowLog,
  pubsubChannels,
  persistenceFailed,
];
