import { describe, expect, it } from '@jest/globals';
import type { CollectorDefinition, StorageFinding } from '../../src/observability/collection/collector.js';
import { rehearse, seriesOf } from '../../src/observability/collection/rehearsal.js';
import audit, { WarningLog } from './storage-audit.collector.js';

const definition = audit as CollectorDefinition;
const finding = (
  probe: string,
  object: string,
  severity: StorageFinding['severity'],
  value: number | null,
) => ({
  probe,
  object,
  severity,
  value,
  howToFix: '',
});

describe('storage-audit', () => {
  it('counts what the storage found, by probe and severity', async () => {
    const found = [
      finding('partitions-ahead', 'ticks', 'ok', 3),
      finding('unused-index', 'a', 'advice', 8192),
      finding('unused-index', 'b', 'advice', null),
    ];
    const run = await rehearse(definition, {
      query: () => [],
      sources: { 'storage-findings': async () => found },
    });
    expect(run).toMatchObject({ outcome: 'success', lint: [] });
    expect(seriesOf(run)).toEqual({
      'tidewatch_storage_findings{probe="partitions-ahead",severity="ok"}': 1,
      'tidewatch_storage_findings{probe="partitions-ahead",severity="advice"}': 0,
      'tidewatch_storage_findings{probe="partitions-ahead",severity="warning"}': 0,
      'tidewatch_storage_findings{probe="unused-index",severity="ok"}': 0,
      'tidewatch_storage_findings{probe="unused-index",severity="advice"}': 2,
      'tidewatch_storage_findings{probe="unused-index",severity="warning"}': 0,
      'tidewatch_storage_finding_value{probe="partitions-ahead",object="ticks"}': 3,
      'tidewatch_storage_finding_value{probe="unused-index",object="a"}': 8192,
    });
  });

  it('says which branch is in use and what is lost on it', async () => {
    const branch = { ...finding('branch', 'native', 'ok', null), lost: ['columnstore', 'vectors'] };
    const run = await rehearse(definition, {
      query: () => [],
      sources: { 'storage-findings': async () => [branch] },
    });
    expect(seriesOf(run)).toMatchObject({
      'tidewatch_storage_branch_info{branch="native",lost="columnstore; vectors"}': 1,
    });
  });

  it('logs a warning with its fix when it appears, and again when it comes back', () => {
    const lines: object[] = [];
    const log = new WarningLog({ warn: (fields) => lines.push(fields) });
    const late = { ...finding('rollup_lag', 'metrics_1m', 'warning', 400), howToFix: 'see the job' };
    for (const findings of [[late], [late], [], [late]]) log.tell(findings);
    expect(lines).toEqual(
      [1, 2].map(() => expect.objectContaining({ probe: 'rollup_lag', fix: 'see the job' })),
    );
  });

  it('has no data in a process without storage', async () => {
    expect((await rehearse(definition, { query: () => [] })).outcome).toBe('no_data');
  });
});
