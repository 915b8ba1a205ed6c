import { z } from 'zod';
import {
  type CollectorContext,
  type CollectorLog,
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
  create: (context: CollectorContext) => {
    const warnings = new WarningLog(context.log);
    return {
      async collect() {
        const audit = context.sources.get('storage-findings');
        const { database } = context;
        if (audit === undefined || database === null) throw new NoData('this process has no storage');
        const findings = await audit(database.query);
        report(context, findings);
        warnings.tell(findings);
      },
    };
  },
});

/** Logs each warning with what to do about it when it appears, not every minute. */
export class WarningLog {
  private told = new Set<string>();

  constructor(private readonly log: Pick<CollectorLog, 'warn'>) {}

  tell(findings: readonly StorageFinding[]): void {
    const now = new Set<string>();
    for (const { probe, object, severity, value, howToFix } of findings) {
      if (severity !== 'warning') continue;
      const key = `${probe} ${object}`;
      now.add(key);
      if (!this.told.has(key)) this.log.warn({ probe, object, value, fix: howToFix }, 'storage finding');
    }
    this.told = now;
  }
}

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
  for (const { probe, object, lost } of findings) {
    if (probe === 'branch')
      metrics.set(m.branchInfo, 1, { branch: object, lost: lost?.join('; ') ?? '' } as never);
  }
  for (const { probe, object, value } of findings) metrics.set(m.findingValue, value, { probe, object });
}
