import { readFileSync } from 'node:fs';
import { readKeys } from './access/key-file.authorizer.js';
import type { Config } from './config/config.js';
import { readCollectorSettings } from './observability/collection/collector-settings.js';
import { StartupError } from './startup-error.js';

/**
 * Judges what is in the files that settings name, before anything is started for nothing.
 * @throws StartupError naming every wrong file and what is wrong in it
 */
export function requireUsableFiles(config: Config): void {
  const keys = config.get('API_KEYS');
  const collectors = config.get('COLLECTORS_CONFIG');
  const wrong = [
    keys === undefined ? null : faultOf(`API_KEYS: ${keys}`, () => readKeys(readFileSync(keys, 'utf8'))),
    faultOf('COLLECTORS_CONFIG', () => readCollectorSettings(collectors)),
  ].filter((fault) => fault !== null);
  if (wrong.length > 0) {
    throw new StartupError(`wrong ${wrong.length === 1 ? 'setting' : 'settings'}: ${wrong.join(' | ')}`);
  }
}

function faultOf(what: string, read: () => unknown): string | null {
  try {
    read();
    return null;
  } catch (error) {
    return `${what}: ${error instanceof Error ? error.message : error}`;
  }
}
