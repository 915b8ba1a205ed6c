import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';

const folder = 'docs/decisions';

it('the index of decisions names every record once, in order', () => {
  const records = readdirSync(folder).filter((name) => /^\d{4}-.*\.md$/.test(name));
  const links = [...readFileSync(`${folder}/README.md`, 'utf8').matchAll(/\]\((\d{4}-[^)]+\.md)\)/g)];
  expect(records.length).toBeGreaterThan(30);
  expect(links.map(([, name]) => name)).toEqual(records.sort());
});
