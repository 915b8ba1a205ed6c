import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface WorkerSource {
  readonly filename: string;
  readonly execArgv: string[];
}

/** Node strips types by itself; a worker that runs from the sources also has to find `x.ts` behind `x.js`. */
const sourceHook = `import { registerHooks } from 'node:module';
registerHooks({ resolve(specifier, context, next) {
  try { return next(specifier, context); } catch (error) {
    if (specifier.startsWith('.') && specifier.endsWith('.js')) return next(specifier.slice(0, -3) + '.ts', context);
    throw error;
  }
} });`;

/**
 * The entry of a worker thread beside the calling module: the compiled file, or the source when nothing was compiled
 * (tests).
 * @param name without its ending, relative to `base`
 * @param base `import.meta.url` of the caller
 */
export function workerSource(name: string, base: string): WorkerSource {
  const compiled = fileURLToPath(new URL(`${name}.js`, base));
  if (existsSync(compiled)) return { filename: compiled, execArgv: [] };
  return {
    filename: fileURLToPath(new URL(`${name}.ts`, base)),
    execArgv: ['--import', `data:text/javascript,${encodeURIComponent(sourceHook)}`],
  };
}
