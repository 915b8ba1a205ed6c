import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { CollectorDefinition, UnusableCollector } from '../collector.js';
import { collectorKit } from '../collector-kit.js';
import { declarationsIn } from '../declarations.js';
import { type Described, type FromThread, type ThreadData, type ToThread, toWire } from './messages.js';
import { ThreadSide } from './thread-side.js';

/**
 * The thread that a plugin runs in. Everything here and below is also run from its source by tests: only syntax that
 * Node can strip.
 */
const port = parentPort;
if (port === null) throw new Error('this module is the entry of a thread');
const { path, folders, index } = workerData as ThreadData;
const say = (message: FromThread): void => port.postMessage(message);

process.on('uncaughtException', (error) => say({ say: 'fault', error: toWire(error) }));
process.on('unhandledRejection', (error) => say({ say: 'fault', error: toWire(error) }));

async function definitions(): Promise<readonly unknown[]> {
  const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  const exported = module.default;
  const kit = collectorKit((kind) => declarationsIn(folders, kind));
  const given: unknown = typeof exported === 'function' ? await exported(kit) : exported;
  if (given === undefined) throw new Error('the module has no default export');
  return Array.isArray(given) ? given : [given];
}

function described(value: unknown): Described {
  const definition = value as Partial<CollectorDefinition & UnusableCollector> | null;
  if (typeof definition?.error === 'string') return { ...(value as UnusableCollector) };
  if (typeof definition?.create !== 'function') return { wrong: 'the default export has no create(context)' };
  const { config, ...manifest } = definition.manifest ?? ({} as CollectorDefinition['manifest']);
  try {
    return {
      manifest: structuredClone(manifest),
      hasConfig: typeof config?.['~standard']?.validate === 'function',
    };
  } catch (error) {
    return { wrong: `the manifest is wrong: ${toWire(error).message}` };
  }
}

try {
  const all = await definitions();
  if (index !== null) {
    const side = new ThreadSide(all[index] as CollectorDefinition, say);
    port.on('message', (message: ToThread) => side.hear(message));
  }
  say({ say: 'loaded', definitions: all.map(described) });
} catch (error) {
  say({ say: 'unusable', error: toWire(error) });
}
