import { collected, gaugeOf, increaseOf } from '../signal.js';
import type { Rule } from './rule.js';

/** Below this, the binary itself dominates and the fragmentation ratio means nothing. */
const fragmentationMinimumBytes = 64 * 2 ** 20;

export const redisRules: readonly Rule[] = [
  {
    kind: 'signal',
    group: 'redis',
    threshold: 'redis_fragmentation',
    alerts: { warning: 'RedisFragmentationHigh' },
    signal: gaugeOf(collected('tidewatch_redis_memory_fragmentation_ratio')),
    guards: [
      {
        signal: gaugeOf(collected('tidewatch_redis_memory_used_bytes')),
        op: '>',
        value: fragmentationMinimumBytes,
      },
    ],
    dashboard: 'tidewatch-redis',
    summary: 'Redis holds {value} times the memory that it uses',
    description:
      'Resident memory of Redis is {value} times its used memory; a purge returns pages to the system.',
  },
  {
    kind: 'signal',
    group: 'redis',
    threshold: 'redis_memory',
    alerts: { warning: 'RedisMemoryHigh', critical: 'RedisMemoryFull' },
    signal: gaugeOf(collected('tidewatch_redis_memory_utilization_ratio')),
    mayBeEmpty: 'maxmemory is not set',
    knownBy: 'tidewatch_redis_memory_used_bytes',
    dashboard: 'tidewatch-redis',
    summary: 'Redis uses {value} of maxmemory',
    description:
      'Redis uses {value} of maxmemory; at the limit it evicts keys or refuses writes, by its policy.',
  },
  {
    kind: 'signal',
    group: 'redis',
    threshold: 'redis_evictions',
    alerts: { warning: 'RedisEvictions' },
    signal: increaseOf(collected('tidewatch_redis_evicted_keys_total', 'counter')),
    dashboard: 'tidewatch-redis',
    summary: 'Redis evicted {value} keys within {window}',
    description:
      'Redis evicted {value} keys within {window} because its memory was full: what was evicted was still wanted.',
  },
  {
    kind: 'signal',
    group: 'redis',
    threshold: 'redis_policy',
    alerts: { critical: 'RedisPolicyUnsafe' },
    signal: gaugeOf(collected('tidewatch_redis_maxmemory_policy_unsafe')),
    dashboard: 'tidewatch-redis',
    summary: 'Redis may evict history, limits and locks',
    description:
      'maxmemory-policy is one of allkeys-*: under memory pressure Redis evicts keys without a time to live.',
  },
  {
    kind: 'signal',
    group: 'redis',
    threshold: 'redis_down',
    alerts: { critical: 'RedisDown' },
    signal: gaugeOf(collected('tidewatch_redis_up'), 'min'),
    dashboard: 'tidewatch-redis',
    summary: 'Redis does not answer',
    description:
      'The configured Redis does not answer PING: fan-out between nodes, resume and shared limits are degraded.',
  },
];
