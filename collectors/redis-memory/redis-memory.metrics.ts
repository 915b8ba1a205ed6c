import { counter, gauge } from '../../src/observability/collection/collector.js';

export const usedBytes = gauge(
  'tidewatch_redis_memory_used_bytes',
  'Memory that Redis uses for data and itself.',
);
export const peakBytes = gauge(
  'tidewatch_redis_memory_peak_bytes',
  "Most memory used since the server's start.",
);
export const rssBytes = gauge(
  'tidewatch_redis_memory_rss_bytes',
  'Memory that the system has given to Redis.',
);
export const limitBytes = gauge(
  'tidewatch_redis_memory_max_bytes',
  'maxmemory; no series when there is no limit.',
);
export const memoryUtilization = gauge(
  'tidewatch_redis_memory_utilization_ratio',
  'Used memory over maxmemory; no series when there is no limit.',
);
export const fragmentation = gauge(
  'tidewatch_redis_memory_fragmentation_ratio',
  'Resident over used memory. Means little below 64 MB used, where the binary itself dominates.',
);
export const efficiency = gauge(
  'tidewatch_redis_memory_efficiency_ratio',
  'Used over resident memory: the share of what the machine gives that holds data.',
);
export const evictedKeys = counter(
  'tidewatch_redis_evicted_keys_total',
  'Keys that Redis removed because memory was full.',
);
export const expiredKeys = counter('tidewatch_redis_expired_keys_total', 'Keys whose time to live ran out.');
export const keyspaceHits = counter('tidewatch_redis_keyspace_hits_total', 'Look-ups that found their key.');
export const keyspaceMisses = counter('tidewatch_redis_keyspace_misses_total', 'Look-ups that found no key.');
export const hitRatio = gauge(
  'tidewatch_redis_keyspace_hit_ratio',
  'Look-ups that found their key, since the run before; no series when there were none.',
);
export const keys = gauge('tidewatch_redis_keys', 'Keys by whether they can expire.', {
  expiry: ['expiring', 'persistent'],
});

export const policies = [
  'noeviction',
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
  'other',
] as const;
export const policy = gauge('tidewatch_redis_maxmemory_policy_info', 'The maxmemory-policy in force (1).', {
  policy: policies,
});
export const policyUnsafe = gauge(
  'tidewatch_redis_maxmemory_policy_unsafe',
  'Whether the policy may evict keys without a time to live (1): history, limits and locks among them.',
);

const group = { group: 'bounded' } as const;
export const groupKeys = gauge(
  'tidewatch_redis_group_keys',
  'Keys by the first part of their name, from the last complete walk over the keyspace.',
  group,
  { maxSeries: 30, fold: 'sum' },
);
export const groupBytes = gauge(
  'tidewatch_redis_group_bytes',
  'Memory by the first part of the key, estimated from a sample of each group in the last complete walk.',
  group,
  { maxSeries: 30, fold: 'sum' },
);
export const walkAge = gauge(
  'tidewatch_redis_group_walk_age_seconds',
  'Time since the walk over the keyspace that the groups come from was complete.',
);

export const metrics = [
  usedBytes,
  peakBytes,
  rssBytes,
  limitBytes,
  memoryUtilization,
  fragmentation,
  efficiency,
  evictedKeys,
  expiredKeys,
  keyspaceHits,
  keyspaceMisses,
  hitRatio,
  keys,
  policy,
  policyUnsafe,
  groupKeys,
  groupBytes,
  walkAge,
];
