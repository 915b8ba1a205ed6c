import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { Config } from './config/config.js';
import { oneLine, StartupError } from './startup-error.js';

try {
  const config = Config.from(process.env, settingsFile());
  // Wrong settings are told before the rest of the server has been loaded.
  const { serve } = await import('./server.js');
  await serve(config);
} catch (error) {
  process.stderr.write(`tidewatch: ${oneLine(error)}\n`);
  process.exit(1);
}

function settingsFile() {
  try {
    const { values } = parseArgs({ options: { config: { type: 'string' } } });
    return values.config === undefined ? {} : Config.readFile(values.config);
  } catch (error) {
    throw error instanceof StartupError ? error : new StartupError(oneLine(error));
  }
}
