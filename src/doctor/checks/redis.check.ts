import { Redis } from 'ioredis';
import { findRedis } from '../../embedded/redis-server.js';
import type { DoctorCheck, Finding } from '../doctor.js';

/** Is there a Redis, and may it throw away what must stay. */
export const check: DoctorCheck = {
  name: 'redis',
  run: async ({ config }) => {
    const url = config.get('REDIS_URL');
    if (url === undefined) {
      const program = findRedis();
      if (program !== null) return { status: 'ok', message: `private, from ${program}` };
      return {
        status: 'warning',
        message:
          'no redis-server on the PATH: its work is done in the process, and several processes cannot be joined',
        fix: 'install redis-server or valkey-server, or set REDIS_URL',
      };
    }
    const client = new Redis(url, { lazyConnect: true, retryStrategy: null, connectTimeout: 3_000 });
    let cause: Error | undefined;
    client.on('error', (error: Error) => {
      cause ??= error; // the rejection below says only that there is no connection
    });
    try {
      await client.connect();
      const [version] = /redis_version:(\S+)/.exec(await client.info('server'))?.slice(1) ?? ['?'];
      const reply = (await client.config('GET', 'maxmemory-policy').catch(() => [])) as string[];
      return [{ status: 'ok', message: `Redis ${version}` }, ...judgePolicy(reply[1])];
    } catch (error) {
      const why = cause?.message ?? (error instanceof Error ? error.message : String(error));
      return { status: 'error', message: `Redis does not answer: ${why}`, fix: 'check REDIS_URL' };
    } finally {
      client.disconnect();
    }
  },
};

/** `allkeys-*` evicts history and locks together with the cache. */
export function judgePolicy(policy: string | undefined): Finding[] {
  if (policy === undefined) {
    return [
      {
        status: 'warning',
        message: 'this Redis does not tell its maxmemory-policy; it must not be allkeys-*',
      },
    ];
  }
  if (!policy.startsWith('allkeys-')) return [];
  return [
    {
      status: 'error',
      message: `maxmemory-policy is ${policy}: under pressure it evicts topic history and locks, not only the cache`,
      fix: 'CONFIG SET maxmemory-policy volatile-lfu',
    },
  ];
}
