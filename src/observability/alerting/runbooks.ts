import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from './thresholds.js';

export const runbookFolder = (): string => join(packageRoot(), 'alerts', 'runbooks');

/** @returns the Markdown of an alert's runbook, or `null` when there is none. `name` must be free of path characters */
export async function readRunbook(name: string): Promise<string | null> {
  try {
    return await readFile(join(runbookFolder(), `${name}.md`), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
