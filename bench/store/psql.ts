import { spawnSync } from 'node:child_process';

/** True when psql is on the PATH. */
export const hasPsql = (): boolean => spawnSync('psql', ['--version']).status === 0;

/**
 * `\copy … from file csv`, the physical limit that writers are compared with.
 * @returns milliseconds that psql itself measured
 */
export function psqlCopy(url: string, into: string, file: string): number {
  const { username, password, hostname, port, pathname } = new URL(url);
  const args = ['-Xq', '-h', hostname, '-p', port || '5432', '-U', username, '-d', pathname.slice(1)];
  const copy = `\\copy ${into} from '${file}' (format csv)`;
  const result = spawnSync('psql', [...args, '-v', 'ON_ERROR_STOP=1', '-c', '\\timing on', '-c', copy], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', PGPASSWORD: decodeURIComponent(password) },
  });
  const time = /Time: ([\d.]+) ms/.exec(result.stdout)?.[1];
  if (result.status !== 0 || time === undefined) throw new Error(`psql: ${result.stderr}`);
  return Number(time);
}
