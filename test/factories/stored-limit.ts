import type { StoredLimit } from '../../src/store/limit.repository.js';

/** A limit of 100 on `var` of portfolio P, with a warning at 80. */
export const storedLimit = (change: Partial<StoredLimit> = {}): StoredLimit => ({
  id: '00000000-0000-4000-8000-000000000001',
  portfolioId: 'P',
  limitType: 'var',
  thresholdValue: 100,
  warningThreshold: 80,
  clearThreshold: null,
  dwellMs: 0,
  active: true,
  currentValue: null,
  status: 'unknown',
  statusSinceMs: null,
  acknowledgedAtMs: null,
  acknowledgedBy: null,
  acknowledgeComment: null,
  temporaryThreshold: null,
  temporaryUntilMs: null,
  machine: null,
  version: 1,
  createdAtMs: 0,
  updatedAtMs: 0,
  ...change,
});
