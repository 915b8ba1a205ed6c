import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/** `GET /api/v1/ticks` of every handler in the sources. */
function routesInSources(): string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.controller.ts') && !name.startsWith('console/'))
    .flatMap((name) => {
      const routes: string[] = [];
      let prefix = '';
      const decorators = /^\s*@(Controller|Get|Post|Put|Patch|Delete)\((?:'([^']*)')?\)/gm;
      for (const [, kind = '', path = ''] of readFileSync(join('src', name), 'utf8').matchAll(decorators)) {
        if (kind === 'Controller') prefix = path;
        else routes.push(`${kind.toUpperCase()} /${[prefix, path].filter(Boolean).join('/')}`);
      }
      return routes;
    });
}

/** `:id` of a template is `{id}` in the document. */
const documented = [...readFileSync('docs/api.md', 'utf8').matchAll(/^\| `([A-Z]+) (\/[^`]*)` \|/gm)].map(
  ([, method, path]) => `${method} ${path?.replace(/\{(\w+)\}/g, ':$1')}`,
);

describe('the endpoints', () => {
  it('are all in docs/api.md, which names no other', () => {
    const routes = routesInSources();
    expect(routes.length).toBeGreaterThan(60);
    expect(documented.sort()).toEqual(routes.sort());
  });

  it('are in the README by their family', () => {
    const readme = readFileSync('README.md', 'utf8');
    const families = new Set(
      routesInSources().map((route) => /\/api\/v1\/(\w+(?:\/\w+)?)/.exec(route)?.[0] ?? ''),
    );
    const last = (family: string) => family.split('/').at(-1) ?? '';
    expect([...families].filter((family) => !readme.includes(last(family)))).toEqual([]);
  });
});
