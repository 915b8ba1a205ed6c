import { type Dashboard, stat, timeseries } from './house-style.js';
import { rate } from './panels/queries.js';

const noRedis = 'no Redis is configured';
const noLimit = 'maxmemory is not set';

export const redis: Dashboard = {
  uid: 'tidewatch-redis',
  title: 'Tidewatch: Redis',
  description: 'Memory, evictions, key groups and commands of the Redis behind this server.',
  rows: [
    {
      title: 'State',
      panels: [
        stat({
          title: 'Answers',
          description: 'Whether Redis answers PING.',
          unit: 'bool_yes_no',
          threshold: 'redis_down',
          queries: [{ expr: 'tidewatch_redis_up{$p}', legend: '{{instance}}', mayBeEmpty: noRedis }],
        }),
        stat({
          title: 'Policy may evict what has no TTL',
          description: 'allkeys-* evicts channel history and locks under memory pressure.',
          unit: 'bool_yes_no',
          threshold: 'redis_policy',
          queries: [
            {
              expr: 'tidewatch_redis_maxmemory_policy_unsafe{$p}',
              legend: '{{instance}}',
              mayBeEmpty: noRedis,
            },
          ],
        }),
        stat({
          title: 'Policy',
          description: 'The maxmemory-policy in force.',
          queries: [
            {
              expr: 'tidewatch_redis_maxmemory_policy_info{$p} == 1',
              legend: '{{policy}}',
              mayBeEmpty: noRedis,
            },
          ],
        }),
        stat({
          title: 'Hit ratio',
          description: 'Look-ups that found their key, since the run before.',
          unit: 'percentunit',
          queries: [
            {
              expr: 'tidewatch_redis_keyspace_hit_ratio{$p}',
              legend: '{{instance}}',
              mayBeEmpty: 'nothing was looked up',
            },
          ],
        }),
      ],
    },
    {
      title: 'Memory',
      panels: [
        timeseries({
          title: 'Memory',
          description: 'Used, resident, peak and the limit.',
          unit: 'bytes',
          width: 8,
          queries: [
            { expr: 'tidewatch_redis_memory_used_bytes{$p}', legend: 'used {{instance}}' },
            { expr: 'tidewatch_redis_memory_rss_bytes{$p}', legend: 'resident {{instance}}' },
            { expr: 'tidewatch_redis_memory_peak_bytes{$p}', legend: 'peak {{instance}}' },
            {
              expr: 'tidewatch_redis_memory_max_bytes{$p}',
              legend: 'limit {{instance}}',
              mayBeEmpty: noLimit,
            },
          ],
        }),
        timeseries({
          title: 'Memory over maxmemory',
          description: 'At 100 % keys are evicted or writes refused.',
          unit: 'percentunit',
          threshold: 'redis_memory',
          width: 8,
          queries: [
            {
              expr: 'tidewatch_redis_memory_utilization_ratio{$p}',
              legend: '{{instance}}',
              mayBeEmpty: noLimit,
            },
          ],
        }),
        timeseries({
          title: 'Fragmentation',
          description:
            'Resident over used memory. Means little below 64 MB used. POST /api/v1/ops/redis/optimize purges.',
          unit: 'short',
          threshold: 'redis_fragmentation',
          width: 8,
          queries: [{ expr: 'tidewatch_redis_memory_fragmentation_ratio{$p}', legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'Memory by key group',
          description: 'Estimated from a sample of each group: which prefix ate the memory?',
          unit: 'bytes',
          stacked: true,
          width: 12,
          queries: [
            {
              expr: 'topk(10, tidewatch_redis_group_bytes{$p})',
              legend: '{{group}}',
              mayBeEmpty: 'Redis holds no keys, or the first walk is not complete',
            },
          ],
        }),
        timeseries({
          title: 'Evicted and expired keys',
          description: 'Evicted keys were still wanted; expired ones had run out.',
          unit: 'short',
          threshold: 'redis_evictions',
          width: 12,
          queries: [
            {
              expr: 'sum by (instance) (increase(tidewatch_redis_evicted_keys_total{$p}[$__rate_interval]))',
              legend: 'evicted {{instance}}',
            },
            {
              expr: 'sum by (instance) (increase(tidewatch_redis_expired_keys_total{$p}[$__rate_interval]))',
              legend: 'expired {{instance}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Commands',
      panels: [
        timeseries({
          title: 'Command time',
          description: '99th percentile as this process sees it, by command.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: 'topk(5, histogram_quantile(0.99, sum by (command, le) (rate(tidewatch_redis_command_duration_seconds_bucket{$p}[$__rate_interval]))))',
              legend: '{{command}}',
              exemplars: true,
            },
          ],
        }),
        timeseries({
          title: 'Commands',
          description: 'Commands that the server ran, for everybody.',
          unit: 'ops',
          width: 8,
          queries: [{ expr: rate('tidewatch_redis_server_commands_total{$p}'), legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'Clients',
          description: 'Clients connected to the server.',
          unit: 'short',
          width: 8,
          queries: [{ expr: 'tidewatch_redis_clients{$p}', legend: '{{state}} {{instance}}' }],
        }),
      ],
    },
  ],
};
