import { delimiter, join } from 'node:path';
import type { Config } from '../../config/config.js';
import { readCollectorSettings } from './collector-settings.js';
import { type Places, shippedFolder } from './discovery.js';

/** Where users put their own collectors: the first is where new ones are made. */
export const userFolders = (config: Config): readonly [string, ...string[]] => [
  join(config.get('DATA_DIR'), 'collectors'),
  ...(config.get('COLLECTORS_DIR') ?? '').split(delimiter).filter((path) => path !== ''),
];

/** Everywhere collectors are looked for. */
export const placesOf = (config: Config): Places => ({
  folders: [
    { path: shippedFolder, origin: 'shipped' },
    ...userFolders(config).map((path) => ({ path, origin: 'folder' as const })),
  ],
  packagesFrom: [process.cwd(), shippedFolder],
  inProcess: Object.entries(readCollectorSettings(config.get('COLLECTORS_CONFIG')))
    .filter(([, settings]) => settings.in_process === true)
    .map(([name]) => name),
});
