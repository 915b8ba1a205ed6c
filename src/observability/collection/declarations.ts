import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Declaration } from './collector-kit.js';

/** The files `*.<kind>.yml` in these folders and one level below. */
export function declarationsIn(folders: readonly string[], kind: string): readonly Declaration[] {
  const ending = `.${kind}.yml`;
  const out: Declaration[] = [];
  for (const folder of folders) {
    for (const where of [folder, ...subfolders(folder).map((name) => join(folder, name))]) {
      for (const entry of entries(where).filter((name) => name.endsWith(ending))) {
        const path = join(where, entry);
        out.push({ name: entry.slice(0, -ending.length), path, text: readFileSync(path, 'utf8') });
      }
    }
  }
  return out;
}

const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);

export const subfolders = (folder: string): string[] =>
  entries(folder).filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory());
