import { z } from 'zod';
import {
  type CollectorContext,
  defineCollector,
  NoData,
  type StorageFinding,
} from '../../src/observability/collection/collector.js';
import * as m from './storage-audit.metrics.js';

export default defineCollector({
  manifest: {
    name: 'storage-audit',
    description:
      'What the storage finds wrong with itself: partitions, roll-ups, retention, indexes, policies.',
    config: z.strictObject({}),
    metrics: m.metrics,
    intervalMs: 60_000,
    timeoutMs: 30_000,
    budget: { dbMs: 2_000, redisCommands: 0, eventLoopMs: 30, samples: 200 },
    burst: { alerts: ['Partitions*', 'Rollup*', 'StoreJob*'], intervalMs: 15_000 },
  },
  create: (context: CollectorContext) => ({
    async collect() {
      const audit = context.sources.get('storage-findings');
      const { database } = context;
      if (audit === undefined || database === null) throw new NoData('this process has no storage');
      report(context, await audit(database.query));
    },
  }),
});

/** Every probe reports every severity: one that found nothing is 0, not absent. */
export function report(
  { metrics }: Pick<CollectorContext, 'metrics'>,
  findings: readonly StorageFinding[],
): void {
  for (const probe of new Set(findings.map((finding) => finding.probe))) {
    for (const severity of m.severities) {
      const count = findings.filter(
        (finding) => finding.probe === probe && finding.severity === severity,
      ).length;
      metrics.set(m.findings, count, { probe, severity });
    }
  }
  for (const { probe, object, value } of findings) metrics.set(m.findingValue, value, { probe, object });
}
