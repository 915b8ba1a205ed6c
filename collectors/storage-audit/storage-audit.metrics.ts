import { gauge } from '../../src/observability/collection/collector.js';

export const severities = ['ok', 'advice', 'warning'] as const;

export const findings = gauge(
  'tidewatch_storage_findings',
  'Findings of the storage about itself, by probe and severity.',
  { probe: 'bounded', severity: severities },
  { maxSeries: 120 },
);
export const findingValue = gauge(
  'tidewatch_storage_finding_value',
  'The number behind a finding, in the unit of its probe.',
  { probe: 'bounded', object: 'bounded' },
  { maxSeries: 150 },
);

export const branchInfo = gauge(
  'tidewatch_storage_branch_info',
  'Always 1: which branch of the schema is in use, and what is lost on it.',
  { branch: ['native', 'timescale'], lost: 'bounded' },
  { maxSeries: 2 },
);

export const metrics = [findings, findingValue, branchInfo];
