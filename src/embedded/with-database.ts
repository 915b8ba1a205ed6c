import type { Config } from '../config/config.js';
import { StartupError } from '../startup-error.js';
import { DataDir, serverOn } from './data-dir.js';
import { runningPostgresUrl } from './postgres-address.js';
import { PostgresServer } from './postgres-server.js';

/**
 * Runs a command's work against the database of this installation: the external one, the embedded one of a running
 * server, or the embedded one, started for as long as the work takes.
 */
export async function withDatabase<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const external = config.get('DATABASE_URL');
  if (external !== undefined) return work(external);
  const path = config.get('DATA_DIR');
  if (serverOn(path) !== null) {
    const url = runningPostgresUrl(path);
    if (url === null) throw new StartupError(`the server on ${path} is still starting; try again`);
    return work(url);
  }
  const dataDir = new DataDir(path);
  dataDir.lock(null);
  const postgres = await PostgresServer.prepare({ dataDir: path });
  try {
    await postgres.start();
    return await work(postgres.url);
  } finally {
    await postgres.stop();
    dataDir.unlock();
  }
}
