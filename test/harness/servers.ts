import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';

function address(name: 'TEST_POSTGRES_URL' | 'TEST_REDIS_URL'): string {
  const url = process.env[name];
  if (url === undefined)
    throw new Error(`${name} is not set: only integration, contract and e2e tests have servers`);
  return url;
}

/** The PostgreSQL of this test run. */
export function postgres(): { url: string; freshDatabase(): Promise<string> } {
  const url = address('TEST_POSTGRES_URL');
  return {
    url,
    /** Makes an empty database. @returns its DATABASE_URL */
    async freshDatabase() {
      const name = `t_${randomBytes(8).toString('hex')}`;
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        // template0: no other session can be connected to it, which would make the copy fail.
        await client.query(`CREATE DATABASE ${name} TEMPLATE template0 STRATEGY file_copy`);
      } finally {
        await client.end();
      }
      return url.replace(/\/[^/]*$/, `/${name}`);
    },
  };
}

/** The address of an empty logical database of this test run's Redis. Pub/sub channels are shared with other tests. */
export async function redisUrl(): Promise<string> {
  const url = address('TEST_REDIS_URL');
  const client = new Redis(url);
  try {
    // Database 0 only counts; the others are handed out in turn.
    const index = 1 + ((await client.incr('handed-out')) % 255);
    await client.select(index);
    await client.flushdb();
    return `${url}/${index}`;
  } finally {
    client.disconnect();
  }
}
