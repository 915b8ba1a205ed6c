import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { thresholdTable } from '../../src/observability/alerting/artefacts/threshold-table.js';
import { loadThresholds, packageRoot, type Target } from '../../src/observability/alerting/thresholds.js';

const root = packageRoot();
const row = (id: string): Target => {
  const found = loadThresholds().targets.get(id);
  if (!found) throw new Error(`no row is named ${id}`);
  return found;
};

/** What Artillery measures of each row, in its unit (ms). */
const measures: readonly { metric: RegExp; row: string }[] = [
  { metric: /^http\.response_time\./, row: 'api_response_time' },
  { metric: /^tidewatch\.ws\.(ping|end_to_end)_ms\./, row: 'websocket_latency' },
];

/** Gates of one profile as `metric < number`. */
function gatesOf(profile: {
  config?: { ensure?: { conditions?: { expression: string }[]; thresholds?: Record<string, number>[] } };
}) {
  const { conditions = [], thresholds = [] } = profile.config?.ensure ?? {};
  const expressions = conditions.flatMap(({ expression }) => {
    const match = /^([\w.]+) (<=?) ([\d.]+)$/.exec(expression);
    return match ? [{ metric: match[1] as string, limit: Number(match[3]) }] : [];
  });
  return [
    ...expressions,
    ...thresholds.flatMap((entry) => Object.entries(entry).map(([metric, limit]) => ({ metric, limit }))),
  ];
}

describe('one catalogue of thresholds', () => {
  it('is the table in the README', () => {
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`\n${thresholdTable()}\n`);
  });

  it('says of every threshold how long it holds before it fires, and how long it is gone before it resolves', () => {
    const all = parse(readFileSync(join(root, 'alerts', 'thresholds.yml'), 'utf8')) as Record<
      'targets' | 'limits',
      Record<string, Record<string, unknown>>
    >;
    const wanting = Object.entries({ ...all.targets, ...all.limits }).flatMap(([id, entry]) => {
      const edges = ['target', 'warning', 'critical'].flatMap((side) => entry[side] ?? []) as object[];
      return edges.every((edge) => 'for' in edge) && 'keep_firing_for' in entry ? [] : [id];
    });
    // Burn rates (`slos`) need none: their long windows forget slowly.
    expect(wanting).toEqual([]);
  });

  it('is the gates of the load profiles: each is the target or the critical number of its row', () => {
    const folder = join(root, 'artillery', 'profiles');
    const gates = readdirSync(folder).flatMap((file) =>
      gatesOf(parse(readFileSync(join(folder, file), 'utf8'))).map((gate) => ({ file, ...gate })),
    );
    const judged = gates.flatMap(({ file, metric, limit }) => {
      const found = measures.find((measure) => measure.metric.test(metric));
      if (!found) return [];
      const { warning, critical } = row(found.row);
      return [{ file, metric, ok: [warning.threshold, critical.threshold].includes(limit), limit }];
    });
    expect(judged.length).toBeGreaterThan(0);
    expect(judged.filter(({ ok }) => !ok)).toEqual([]);
  });
});
