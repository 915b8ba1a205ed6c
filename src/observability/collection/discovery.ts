import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { documentFaults, plainly } from '../../domain/document-faults.js';
import type { CollectorDefinition, UnusableCollector } from './collector.js';
import { type CollectorKit, collectorKit } from './collector-kit.js';
import { declarationsIn, subfolders } from './declarations.js';
import { describe } from './error-class.js';
import { describePlugin } from './isolation/plugin-host.js';

/** The collectors that come with the server: `collectors/` beside `src/`, compiled or not. */
export const shippedFolder = fileURLToPath(new URL('../../../collectors', import.meta.url));

const packageName = /^tidewatch-collector-[a-z0-9-]+$/;
const moduleFile = /\.collector\.(?:js|mjs|ts)$/;

export interface FoundCollector {
  readonly definition: CollectorDefinition;
  /** `shipped`, `folder` or `package`. */
  readonly origin: Origin;
  readonly path: string;
}
export type Origin = 'shipped' | 'folder' | 'package';

/** A plugin that could not be used: it is listed with its error and harms nobody. */
export interface BrokenCollector {
  readonly name: string;
  readonly origin: Origin;
  readonly path: string;
  readonly error: string;
}

export interface Discovery {
  readonly found: readonly FoundCollector[];
  readonly broken: readonly BrokenCollector[];
}

export interface Places {
  /** Folders of plugin folders. */
  readonly folders: readonly { readonly path: string; readonly origin: Origin }[];
  /** Where `node_modules` are looked for, and in every folder above. */
  readonly packagesFrom: readonly string[];
  /** Plugins that run in the server's own thread, by the names of their folders. */
  readonly inProcess?: readonly string[];
}

const finite = z.number().positive().finite();
const metricSchema = z.looseObject({
  name: z.string().regex(/^[a-z][a-z0-9_]*$/, 'is not a metric name'),
  type: z.enum(['counter', 'gauge', 'histogram']),
  help: z.string().min(1),
  labels: z.record(
    z.string().regex(/^[a-z_][a-z0-9_]*$/),
    z.union([z.literal('bounded'), z.array(z.string()).min(1)], {
      error: "must be 'bounded' (values come from outside; see maxSeries) or a list of all its values",
    }),
  ),
});
const manifestSchema = z.looseObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'is not kebab-case'),
  description: z.string().min(1),
  config: z.looseObject({ '~standard': z.looseObject({ validate: z.function() }) }),
  metrics: z.array(metricSchema).min(1),
  intervalMs: finite.min(100),
  timeoutMs: finite.optional(),
  budget: z.strictObject({
    dbMs: z.number(),
    redisCommands: z.number(),
    eventLoopMs: finite,
    samples: finite,
  }),
});

const unusableSchema = z.strictObject({ name: z.string(), path: z.string(), error: z.string() });

/** Finds every plugin; imports it; checks its manifest. Never throws: what does not work is in `broken`. */
export async function discover(places: Places): Promise<Discovery> {
  const found: FoundCollector[] = [];
  const broken: BrokenCollector[] = [];
  const folders = places.folders.map(({ path }) => path);
  const kit = collectorKit((kind) => declarationsIn(folders, kind));
  const metricOwners = new Map<string, string>();
  const load = ({ name, path, origin }: Candidate): Promise<readonly unknown[]> =>
    origin === 'shipped' || places.inProcess?.includes(name)
      ? exportsOf(path, kit)
      : describePlugin(path, folders);
  // At the same time: a plugin that does not come to an end holds up the start once, not each after the other.
  const loads = [...candidates(places)].map((candidate) => ({ ...candidate, exported: load(candidate) }));
  await Promise.allSettled(loads.map(({ exported }) => exported));
  for (const { name, path, origin, exported } of loads) {
    try {
      for (const value of await exported) {
        const definition = checked(value);
        if ('error' in definition) {
          broken.push({ ...definition, origin });
          continue;
        }
        const known = found.find((other) => other.definition.manifest.name === definition.manifest.name);
        if (known) throw new Error(`${definition.manifest.name} is also in ${known.path}`);
        claimMetrics(definition, metricOwners);
        found.push({ definition, origin, path });
      }
    } catch (error) {
      broken.push({ name, origin, path, error: describe(error) });
    }
  }
  return { found, broken };
}

interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly origin: Origin;
}

function* candidates({ folders, packagesFrom }: Places): Generator<Candidate> {
  for (const { path: folder, origin } of folders) {
    for (const name of subfolders(folder)) {
      const file = readdirSync(join(folder, name)).find(
        (entry) => moduleFile.test(entry) && !entry.endsWith('.d.ts'),
      );
      if (file !== undefined) yield { name, path: join(folder, name, file), origin };
    }
  }
  const seen = new Set<string>();
  for (const start of packagesFrom) {
    for (let dir = resolve(start); ; dir = dirname(dir)) {
      for (const path of packagesIn(join(dir, 'node_modules'))) {
        if (!seen.has(path)) yield { name: nameOf(path), path: entryOf(path), origin: 'package' };
        seen.add(path);
      }
      if (dir === dirname(dir)) break;
    }
  }
}

const nameOf = (packagePath: string): string => packagePath.replace(/^.*tidewatch-collector-/, '');

function* packagesIn(modules: string): Generator<string> {
  for (const entry of subfolders(modules)) {
    if (packageName.test(entry)) yield join(modules, entry);
    if (!entry.startsWith('@')) continue;
    for (const scoped of subfolders(join(modules, entry))) {
      if (packageName.test(scoped)) yield join(modules, entry, scoped);
    }
  }
}

const entrySchema = z.looseObject({
  exports: z.union([z.string(), z.looseObject({ '.': z.string() })]).optional(),
  main: z.string().optional(),
});

function entryOf(packagePath: string): string {
  const file = join(packagePath, 'package.json');
  const parsed = entrySchema.safeParse(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});
  const { exports, main } = parsed.success ? parsed.data : {};
  const entry = typeof exports === 'string' ? exports : (exports?.['.'] ?? main ?? 'index.js');
  return join(packagePath, entry);
}

/** A module exports a definition, a list of them, or a function of the kit that gives either. */
async function exportsOf(path: string, kit: CollectorKit): Promise<readonly unknown[]> {
  const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  const exported = module.default;
  const given: unknown = typeof exported === 'function' ? await exported(kit) : exported;
  if (given === undefined) throw new Error('the module has no default export');
  return Array.isArray(given) ? given : [given];
}

const wrongSchema = z.strictObject({ wrong: z.string() });

function checked(value: unknown): CollectorDefinition | UnusableCollector {
  const { data: wrong } = wrongSchema.safeParse(value);
  if (wrong !== undefined) throw new Error(wrong.wrong);
  const unusable = unusableSchema.safeParse(value);
  if (unusable.success) return unusable.data;

  const definition = value as CollectorDefinition;
  if (typeof definition?.create !== 'function') throw new Error('the default export has no create(context)');
  const result = manifestSchema.safeParse(definition.manifest, { error: plainly });
  if (!result.success) {
    throw new Error(`the manifest is wrong: ${documentFaults(result.error.issues, definition.manifest)}`);
  }
  return definition;
}

function claimMetrics({ manifest }: CollectorDefinition, owners: Map<string, string>): void {
  for (const { name } of manifest.metrics) {
    const owner = owners.get(name);
    if (owner !== undefined) throw new Error(`the metric ${name} belongs to ${owner}`);
  }
  for (const { name } of manifest.metrics) owners.set(name, manifest.name);
}
