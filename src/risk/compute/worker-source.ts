import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface WorkerSource {
  readonly filename: string;
  readonly execArgv: readonly string[];
}

/**
 * Lets Node, which strips types by itself, find `x.ts` behind `x.js`: what a worker needs that runs from the
 * sources.
 */
const sourceHook = `import { registerHooks } from 'node:module';
registerHooks({ resolve(specifier, context, next) {
  try { return next(specifier, context); } catch (error) {
    if (specifier.startsWith('.') && specifier.endsWith('.js')) return next(specifier.slice(0, -3) + '.ts', context);
    throw error;
  }
} });`;

/** The worker's entry: the compiled one, or the source beside this file when nothing was compiled (tests). */
export function workerSource(): WorkerSource {
  const compiled = fileURLToPath(new URL('./risk-worker.js', import.meta.url));
  if (existsSync(compiled)) return { filename: compiled, execArgv: [] };
  return {
    filename: fileURLToPath(new URL('./risk-worker.ts', import.meta.url)),
    execArgv: ['--import', `data:text/javascript,${encodeURIComponent(sourceHook)}`],
  };
}
