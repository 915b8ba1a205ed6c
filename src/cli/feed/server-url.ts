import type { Config } from '../../config/config.js';
import { StartupError } from '../../startup-error.js';

/** Where the server of these settings listens, unless the command names another. @throws StartupError for no URL */
export function serverUrl(config: Config, given: string | undefined): string {
  const host = config.get('HOST');
  const text = given ?? `http://${host.includes(':') ? `[${host}]` : host}:${config.get('PORT')}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new StartupError(`--url ${text} is not an http URL`);
  }
  return text.replace(/\/+$/, '');
}

/** @throws StartupError with what to do when nobody answers there */
export async function requireServer(url: string): Promise<void> {
  try {
    await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(5_000) });
  } catch {
    throw new StartupError(`no server answers at ${url}; start one with npm start, or name it with --url`);
  }
}
