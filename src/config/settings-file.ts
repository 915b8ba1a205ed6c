import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { StartupError } from '../startup-error.js';

export interface SettingsFile {
  readonly values: Readonly<Record<string, string | undefined>>;
  /** Lines that are no settings. They are named by number only: a line that is wrong may hold a secret. */
  readonly faults: readonly string[];
}

/** Reads `NAME=value` lines, as in `.env.example`. @throws StartupError when it cannot be read */
export function readSettingsFile(path: string): SettingsFile {
  try {
    const text = readFileSync(path, 'utf8');
    return { values: parseEnv(text), faults: faultsOf(text).map((fault) => `${path}, ${fault}`) };
  } catch (error) {
    throw new StartupError(
      `cannot read the settings file ${path}: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** What `parseEnv` passes over in silence: lines without a name or a value, and a name that is given twice. */
export function faultsOf(text: string): string[] {
  const faults: string[] = [];
  const lineOf = new Map<string, number>();
  /** The quote that a value of several lines is waiting for. */
  let open = '';
  text.split(/\r?\n/).forEach((line, index) => {
    if (open !== '') {
      if (line.includes(open)) open = '';
      return;
    }
    if (/^\s*(#|$)/.test(line)) return;
    const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) {
      faults.push(`line ${index + 1} is not NAME=value`);
      return;
    }
    const first = lineOf.get(name);
    if (first !== undefined) faults.push(`line ${index + 1} sets ${name} again, after line ${first}`);
    else lineOf.set(name, index + 1);
    const quote = /^["'`]/.exec(value)?.[0];
    if (quote !== undefined && !value.includes(quote, 1)) open = quote;
  });
  if (open !== '') faults.push(`a value that begins with ${open} does not end`);
  return faults;
}
