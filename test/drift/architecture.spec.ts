import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const filesIn = (roots: readonly string[]): { path: string; text: string }[] =>
  roots
    .flatMap((root) =>
      readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
        .map((name) => join(root, name)),
    )
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));

/** Imports between our own files as `from` → `to`, both relative to the repository. */
const importsOf = (sources: readonly { path: string; text: string }[]): { from: string; to: string }[] =>
  sources.flatMap(({ path, text }) =>
    [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, target]) => ({
      from: path,
      to: normalize(join(dirname(path), target ?? '')),
    })),
  );

const built = ['src', 'collectors', 'migrations'];
const files = filesIn(built);
const imports = importsOf(files);

const folderOf = (path: string): string => path.split('/').slice(0, 2).join('/');
const stages = ['ingest', 'store', 'analytics', 'risk', 'broadcast'].map((stage) => `src/${stage}`);

/** Imports out of `folder` into one of `others`. */
const crossing = (folder: string, others: readonly string[]): string[] =>
  imports
    .filter(({ from, to }) => folderOf(from) === folder && others.includes(folderOf(to)))
    .map(({ from, to }) => `${from} → ${to}`);

describe('the code map', () => {
  it('has been read: there are imports to judge', () => {
    expect(imports.length).toBeGreaterThan(300);
    expect(crossing('src/risk', ['src/kernel'])).not.toEqual([]);
  });

  it.each(['src/domain', 'src/kernel'])('%s imports nothing of ours', (folder) => {
    const outward = imports.filter(({ from, to }) => folderOf(from) === folder && folderOf(to) !== folder);
    expect(outward).toEqual([]);
  });

  it.each([
    ['src/store', ['src/ingest', 'src/analytics', 'src/risk', 'src/broadcast']],
    ['src/ingest', ['src/analytics', 'src/risk', 'src/broadcast']],
    ['src/analytics', ['src/ingest', 'src/risk', 'src/broadcast']],
    ['src/risk', ['src/ingest', 'src/broadcast']],
    ['src/broadcast', ['src/ingest']],
    ['src/http', stages],
    ['src/health', stages],
    ['src/lifecycle', stages],
    ['src/threads', stages],
    ['src/config', stages],
    ['src/access', stages],
    ['src/embedded', stages],
    ['src/observability', ['src/ingest', 'src/analytics', 'src/risk', 'src/broadcast']],
    ['src/client', [...stages, 'src/observability', 'src/config', 'src/http']],
    ['src/console', stages],
  ])('%s does not import %j', (folder, others) => {
    expect(crossing(folder, others)).toEqual([]);
  });

  it('only src/config reads the environment', () => {
    const readers = files
      .filter(({ text }) => /\bprocess\.env\b/.test(text))
      .map(({ path }) => folderOf(path));
    expect([...new Set(readers)]).toEqual(['src/config']);
  });

  it('nothing but the composition root, the demo and the commands imports ingest or broadcast', () => {
    const importers = imports
      .filter(({ from, to }) => /^src\/(ingest|broadcast)\//.test(to) && folderOf(from) !== folderOf(to))
      .map(({ from }) => (from.split('/').length === 2 ? 'the composition root' : folderOf(from)));
    const allowed = ['the composition root', 'src/cli', 'src/demo'];
    expect([...new Set(importers)].filter((from) => !allowed.includes(from))).toEqual([]);
  });

  it('only src/store and the named exceptions speak SQL', () => {
    const statement =
      /['"`]\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CREATE|ALTER|DROP|TRUNCATE|COPY|SET|BEGIN|COMMIT|ROLLBACK) [A-Za-z0-9(*$"]|\.query[<(]/;
    const speakers = files
      .filter(({ path, text }) => statement.test(text) && !/^(src\/store|migrations)\//.test(path))
      .map(({ path }) => path)
      .map((path) => (path.startsWith('collectors/') ? folderOf(path) : path));
    expect([...new Set(speakers)].sort()).toEqual([
      'collectors/latency',
      'collectors/pool',
      'collectors/postgres',
      'collectors/sql',
      'src/doctor/checks/database.check.ts',
      'src/embedded/postgres-server.ts',
      'src/observability/collection/collector-clients.ts',
      'src/observability/collection/collector-database.ts',
      'src/observability/collection/isolation/plugin-host.ts',
    ]);
  });

  it('only src/lifecycle and the bootstrap use process signals, and no stage uses shutdown hooks of Nest', () => {
    const hooks =
      /\b(enableShutdownHooks|OnApplicationShutdown|BeforeApplicationShutdown)\b|process\.on(ce)?\('SIG/;
    const users = files
      .filter(({ path, text }) => hooks.test(text) && !path.startsWith('src/cli/'))
      .map(({ path }) => path);
    expect(users.filter((path) => path !== 'src/shutdown.ts')).toEqual([]);
  });

  it('src never names a collector', () => {
    const named = imports.filter(({ from, to }) => from.startsWith('src/') && to.startsWith('collectors/'));
    expect(named).toEqual([]);
  });

  it('what is built imports only what is built', () => {
    const outside = importsOf(filesIn([...built, 'bench'])).filter(
      ({ to }) => ![...built, 'bench'].includes(to.split('/')[0] ?? ''),
    );
    expect(outside).toEqual([]);
  });

  it('has no folder for everything that has no place', () => {
    const vague = files.filter(({ path }) => /(^|\/)(utils?|helpers?|common|manager)(\/|\.|-)/.test(path));
    expect(vague.map(({ path }) => path)).toEqual([]);
  });
});
