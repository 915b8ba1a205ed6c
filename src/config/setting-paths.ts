import { accessSync, constants, statSync } from 'node:fs';
import { delimiter } from 'node:path';

/** Settings that name what has to be there. */
const kinds = {
  API_KEYS: 'file',
  CALCULATORS: 'files',
  COLLECTORS_CONFIG: 'file',
  COLLECTORS_DIR: 'folders',
} as const;

/** What these settings name and is not there, cannot be read, or is something else. */
export function wrongPaths(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(kinds).flatMap(([name, kind]) => {
    const value = values[name];
    if (typeof value !== 'string') return [];
    const paths = kind === 'file' ? [value] : value.split(delimiter).filter((path) => path !== '');
    return paths.flatMap((path) => {
      const fault = faultOf(path, kind === 'folders');
      return fault === undefined ? [] : [`${name}: ${path}: ${fault}`];
    });
  });
}

function faultOf(path: string, isFolder: boolean): string | undefined {
  try {
    if (statSync(path).isDirectory() !== isFolder) return isFolder ? 'is not a folder' : 'is not a file';
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return `cannot be read (${error instanceof Error ? error.message.split(',')[0] : error})`;
  }
}
