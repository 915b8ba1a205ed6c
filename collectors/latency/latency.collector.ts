import { z } from 'zod';
import { type CollectorContext, defineCollector } from '../../src/observability/collection/collector.js';
import * as m from './latency.metrics.js';

/** The window that the rows are reported over, seconds. */
const windowSeconds = 60;

export default defineCollector({
  manifest: {
    name: 'latency',
    description:
      'The latency rows of the threshold table as this process measures them, and pings to its dependencies.',
    config: z.strictObject({}),
    metrics: m.metrics,
    intervalMs: 5_000,
    timeoutMs: 4_000,
    budget: { dbMs: 50, redisCommands: 1, eventLoopMs: 5, samples: 40 },
    burst: { alerts: ['Api*', 'WebSocket*', 'Query*', 'Var*', 'Analytics*'], intervalMs: 1_000 },
  },
  create: (context: CollectorContext) => {
    const { database, redis } = context;
    const postgresPing = database && context.metrics.histogram(m.dependencyPing, { dependency: 'postgres' });
    const redisPing = redis && context.metrics.histogram(m.dependencyPing, { dependency: 'redis' });
    return {
      async collect() {
        reportRows(context);
        await context.attempt('postgres', async () => {
          if (database) postgresPing?.observe(await secondsOf(() => database.query('SELECT 1')));
        });
        await context.attempt('redis', async () => {
          if (redis) redisPing?.observe(await secondsOf(() => redis.call('PING')));
        });
      },
    };
  },
});

export function reportRows({ windows, metrics }: Pick<CollectorContext, 'windows' | 'metrics'>): void {
  for (const row of m.rows) {
    const { average, p50, p95, p99, max, count } = windows.read(row, windowSeconds);
    metrics.set(m.latency, average, { row, statistic: 'mean' });
    metrics.set(m.latency, p50, { row, statistic: '0.5' });
    metrics.set(m.latency, p95, { row, statistic: '0.95' });
    metrics.set(m.latency, p99, { row, statistic: '0.99' });
    metrics.set(m.latency, max, { row, statistic: 'max' });
    metrics.set(m.samples, count, { row });
  }
}

async function secondsOf(roundTrip: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await roundTrip();
  return (performance.now() - start) / 1000;
}
