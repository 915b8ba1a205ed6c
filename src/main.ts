import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { Config } from './config/config.js';
import { oneLine, StartupError } from './startup-error.js';

try {
  const config = Config.ofProcess(settingsFile());
  // Wrong settings are told before the rest of the server has been loaded.
  const { serve } = await import('./server.js');
  await serve(config);
} catch (error) {
  process.stderr.write(`tidewatch: ${oneLine(error)}\n`);
  process.exit(1);
}

function settingsFile(): string | undefined {
  try {
    return parseArgs({ options: { config: { type: 'string' } } }).values.config;
  } catch (error) {
    throw new StartupError(oneLine(error));
  }
}
