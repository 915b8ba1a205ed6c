import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { artefacts } from '../../src/observability/metrics.artefact.js';

describe('METRICS.md', () => {
  it('is what catalogue and collectors say; otherwise: npm run generate', async () => {
    for (const { path, text } of await artefacts()) {
      const committed = readFileSync(path, 'utf8');
      const names = (document: string) => [...document.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
      // The names first: a short message for the usual case.
      expect(names(committed)).toEqual(names(text));
      expect(committed).toBe(text);
    }
  });
});
