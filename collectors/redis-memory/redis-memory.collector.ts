import { z } from 'zod';
import {
  type CollectorContext,
  defineCollector,
  infoNumber,
  NoData,
  parseRedisInfo,
  type RedisInfo,
  redisMemoryOf,
} from '../../src/observability/collection/collector.js';
import { KeyGroupWalk } from './key-groups.js';
import * as m from './redis-memory.metrics.js';

const config = z.strictObject({
  /** SCAN steps of 100 keys per run; 0 switches the walk over the keyspace off. */
  scans_per_run: z.number().int().min(0).max(100).default(10),
  /** Keys whose memory is measured per run. */
  samples_per_run: z.number().int().min(0).max(1_000).default(50),
});

interface LookUps {
  readonly hits: number;
  readonly misses: number;
}

export default defineCollector({
  manifest: {
    name: 'redis-memory',
    description:
      "Redis' memory: used, resident, fragmentation, evictions, hit ratio, and which key groups hold it.",
    config,
    metrics: m.metrics,
    intervalMs: 15_000,
    timeoutMs: 5_000,
    budget: { dbMs: 0, redisCommands: 100, eventLoopMs: 10, samples: 100 },
    burst: { alerts: ['Redis*'], intervalMs: 5_000 },
  },
  create: (context: CollectorContext<z.output<typeof config>>) => {
    const walk = new KeyGroupWalk(context.config.scans_per_run, context.config.samples_per_run);
    let before: LookUps | null = null;
    return {
      async collect(signal) {
        const { redis } = context;
        if (redis === null) throw new NoData('no Redis is configured');
        const info = parseRedisInfo(String(await redis.call('INFO', 'everything')));
        before = reportInfo(context, info, before);
        if (context.config.scans_per_run === 0) return;
        await context.attempt('key-groups', async () => {
          await walk.step(redis, signal, context.clock.nowMs());
          reportGroups(context, walk);
        });
      },
    };
  },
});

/** @returns the look-ups so far, which the next run's hit ratio is measured from */
export function reportInfo(
  { metrics }: Pick<CollectorContext, 'metrics'>,
  info: RedisInfo,
  before: LookUps | null,
): LookUps | null {
  const memory = redisMemoryOf(info);
  metrics.set(m.usedBytes, memory.usedBytes);
  metrics.set(m.peakBytes, memory.peakBytes);
  metrics.set(m.rssBytes, memory.rssBytes);
  metrics.set(m.limitBytes, memory.limitBytes);
  if (memory.limitBytes !== null && memory.usedBytes !== null) {
    metrics.set(m.memoryUtilization, memory.usedBytes / memory.limitBytes);
  }
  metrics.set(m.fragmentation, memory.fragmentationRatio);
  metrics.set(m.efficiency, memory.efficiencyRatio);
  metrics.set(m.evictedKeys, memory.evictedKeys);
  metrics.set(m.expiredKeys, memory.expiredKeys);
  metrics.set(m.keyspaceHits, memory.keyspaceHits);
  metrics.set(m.keyspaceMisses, memory.keyspaceMisses);
  reportPolicy(metrics, memory.policy);
  reportKeys(metrics, info);
  const now =
    memory.keyspaceHits === null || memory.keyspaceMisses === null
      ? null
      : { hits: memory.keyspaceHits, misses: memory.keyspaceMisses };
  metrics.set(m.hitRatio, hitRatioSince(before, now));
  return now;
}

/** Of the look-ups between two runs; `null` when there were none or the server started anew. */
export function hitRatioSince(before: LookUps | null, now: LookUps | null): number | null {
  if (before === null || now === null) return null;
  const hits = now.hits - before.hits;
  const misses = now.misses - before.misses;
  return hits < 0 || misses < 0 || hits + misses === 0 ? null : hits / (hits + misses);
}

function reportPolicy(metrics: CollectorContext['metrics'], policy: string | null): void {
  if (policy === null) return;
  const known = m.policies.find((name) => name === policy) ?? 'other';
  metrics.set(m.policy, 1, { policy: known });
  metrics.set(m.policyUnsafe, policy.startsWith('allkeys-') ? 1 : 0);
}

/** Adds up `dbN:keys=…,expires=…`. An empty database has no line: that is 0 keys, not an unknown number. */
function reportKeys(metrics: CollectorContext['metrics'], info: RedisInfo): void {
  let all = 0;
  let expiring = 0;
  for (const [name, text] of info) {
    if (!/^db\d+$/.test(name)) continue;
    const fields = new Map(text.split(',').map((pair) => pair.split('=') as [string, string]));
    all += infoNumber(fields, 'keys') ?? 0;
    expiring += infoNumber(fields, 'expires') ?? 0;
  }
  metrics.set(m.keys, expiring, { expiry: 'expiring' });
  metrics.set(m.keys, all - expiring, { expiry: 'persistent' });
}

function reportGroups(
  { metrics, clock }: Pick<CollectorContext, 'metrics' | 'clock'>,
  walk: KeyGroupWalk,
): void {
  const age = walk.ageMs(clock.nowMs());
  metrics.set(m.walkAge, age === null ? null : age / 1000);
  for (const { group, keys, bytes } of walk.groups ?? []) {
    metrics.set(m.groupKeys, keys, { group });
    metrics.set(m.groupBytes, bytes, { group });
  }
}
