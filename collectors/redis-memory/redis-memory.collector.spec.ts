import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { CollectorDefinition } from '../../src/observability/collection/collector.js';
import { rehearse, seriesOf } from '../../src/observability/collection/rehearsal.js';
import { groupOf } from './key-groups.js';
import redisMemory, { hitRatioSince } from './redis-memory.collector.js';

const definition = redisMemory as unknown as CollectorDefinition;
const info = readFileSync(new URL('./testdata/info.redis-7.0.txt', import.meta.url), 'utf8');

/** A keyspace that SCAN walks in steps of two. */
function keyspace(keys: readonly string[], text = info) {
  const sent: string[] = [];
  const redis = (command: string, ...args: string[]): unknown => {
    sent.push(command);
    if (command === 'INFO') return text;
    if (command === 'MEMORY') return args[1]?.startsWith('gone') ? null : 100;
    const from = Number(args[0]);
    const next = from + 2;
    return [next < keys.length ? String(next) : '0', keys.slice(from, next)];
  };
  return { redis, sent };
}

describe('redis-memory', () => {
  it('reports what INFO of Redis 7.0 says', async () => {
    const run = await rehearse(definition, { redis: keyspace([]).redis });
    expect(run).toMatchObject({ outcome: 'success', lint: [] });
    const series = seriesOf(run);
    expect(series).toMatchObject({
      tidewatch_redis_memory_used_bytes: 947712,
      tidewatch_redis_memory_rss_bytes: 7012352,
      tidewatch_redis_memory_fragmentation_ratio: 7.73,
      tidewatch_redis_evicted_keys_total: 0,
      'tidewatch_redis_keys{expiry="expiring"}': 50,
      'tidewatch_redis_keys{expiry="persistent"}': 0,
      'tidewatch_redis_maxmemory_policy_info{policy="noeviction"}': 1,
      tidewatch_redis_maxmemory_policy_unsafe: 0,
    });
    expect(series.tidewatch_redis_memory_efficiency_ratio).toBeCloseTo(947712 / 7012352);
    // maxmemory 0 is no limit, and without look-ups there is no hit ratio.
    expect(run.silent).toEqual(
      expect.arrayContaining([
        'tidewatch_redis_memory_max_bytes',
        'tidewatch_redis_memory_utilization_ratio',
        'tidewatch_redis_keyspace_hit_ratio',
      ]),
    );
  });

  it('calls a policy unsafe that evicts what has no time to live', async () => {
    const text = info.replace('maxmemory_policy:noeviction', 'maxmemory_policy:allkeys-lru');
    const series = seriesOf(await rehearse(definition, { redis: keyspace([], text).redis }));
    expect(series.tidewatch_redis_maxmemory_policy_unsafe).toBe(1);
  });

  it('walks the keyspace over several runs, within its budget of commands', async () => {
    const keys = Array.from({ length: 11 }, (_, i) => (i < 8 ? `session:${i}` : `gone:${i}`));
    const { redis, sent } = keyspace(keys);
    const config = { scans_per_run: 2, samples_per_run: 3 };
    const unfinished = await rehearse(definition, { redis, config, runs: 2 });
    expect(seriesOf(unfinished)).not.toHaveProperty('tidewatch_redis_group_keys{group="session"}');
    sent.length = 0;
    const run = await rehearse(definition, { redis, config, runs: 3 });
    expect(seriesOf(run)).toMatchObject({
      'tidewatch_redis_group_keys{group="session"}': 8,
      'tidewatch_redis_group_bytes{group="session"}': 800,
      'tidewatch_redis_group_keys{group="gone"}': 3,
    });
    expect(seriesOf(run)).not.toHaveProperty('tidewatch_redis_group_bytes{group="gone"}');
    expect(sent.length).toBeLessThanOrEqual(3 * (1 + 2 + 3));
  });

  it('has no data without a Redis', async () => {
    expect((await rehearse(definition)).outcome).toBe('no_data');
  });
});

describe('hitRatioSince', () => {
  it.each([
    [null, { hits: 9, misses: 1 }, null],
    [{ hits: 9, misses: 1 }, { hits: 9, misses: 1 }, null],
    [{ hits: 9, misses: 1 }, { hits: 12, misses: 2 }, 0.75],
    [{ hits: 9, misses: 1 }, { hits: 1, misses: 0 }, null],
  ])('from %j to %j is %p', (before, now, expected) => {
    expect(hitRatioSince(before, now)).toBe(expected);
  });
});

describe('groupOf', () => {
  it.each([
    ['tidewatch:price:AAPL', 'tidewatch'],
    ['{tidewatch}:x', 'tidewatch'],
    ['plain', 'plain'],
    ['8f14e45fceea167a5a36dedd4bea2543', '(ids)'],
    ['42', '(ids)'],
    [':odd', '(ids)'],
    ['x'.repeat(100), 'x'.repeat(40)],
  ])('%s is in %s', (key, group) => {
    expect(groupOf(key)).toBe(group);
  });
});
