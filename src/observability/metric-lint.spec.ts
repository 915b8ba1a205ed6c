import { describe, expect, it } from '@jest/globals';
import { catalogue } from './catalogue/index.js';
import { lintMetric } from './metric-lint.js';
import { counter, gauge, histogram } from './metric-spec.js';

describe('lintMetric', () => {
  it.each([
    [counter('tidewatch_rows', 'Rows written.'), 'is a counter and does not end in _total'],
    [gauge('tidewatch_rows_total', 'Rows written.'), 'ends in _total and is no counter'],
    [gauge('tidewatch_wait_ms', 'Time waited.'), 'should be in seconds'],
    [gauge('tidewatch_used_percent', 'Share used.'), 'should be in ratio'],
    [gauge('rows', 'Rows there.'), 'does not begin with tidewatch_'],
    [gauge('tidewatch_rows', 'rows'), 'needs a help text that is a sentence'],
    [histogram('tidewatch_wait_seconds', 'Time waited.', []), 'is a histogram without buckets'],
    [histogram('tidewatch_wait_seconds', 'Time waited.', [1, 1]), 'has buckets out of order'],
    [gauge('tidewatch_rows_by_kind', 'Rows there.', { kind: ['a'] }), 'has its label kind in its name'],
    [gauge('tidewatch_rows', 'Rows there.', { kind: ['a', 'a'] }), 'label kind has a value twice'],
  ])('%o %s', (spec, complaint) => {
    expect(lintMetric(spec).join('\n')).toContain(complaint);
  });

  it('finds nothing in the catalogue of the server', () => {
    expect(catalogue.flatMap((spec) => lintMetric(spec))).toEqual([]);
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
  });
});
