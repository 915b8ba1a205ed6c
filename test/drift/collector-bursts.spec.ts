import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { discover, shippedFolder } from '../../src/observability/collection/discovery.js';

const rulesFolder = 'alerts/rules';

interface RulesFile {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string }[] }[];
}

describe('collectors that look closer while an alert burns', () => {
  it('name alerts that exist', async () => {
    const alerts = readdirSync(rulesFolder).flatMap((file) =>
      (parse(readFileSync(join(rulesFolder, file), 'utf8')) as RulesFile).groups.flatMap(({ rules }) =>
        rules.flatMap(({ alert }) => alert ?? []),
      ),
    );
    const { found } = await discover({
      folders: [{ path: shippedFolder, origin: 'shipped' }],
      packagesFrom: [],
    });
    const patterns = found.flatMap(({ definition }) => definition.manifest.burst?.alerts ?? []);
    expect(patterns.length).toBeGreaterThan(10);
    const matches = (pattern: string) =>
      alerts.some((alert) =>
        pattern.endsWith('*') ? alert.startsWith(pattern.slice(0, -1)) : alert === pattern,
      );
    expect(patterns.filter((pattern) => !matches(pattern))).toEqual([]);
  });
});
