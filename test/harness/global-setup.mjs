import './typescript-sources.mjs';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * One embedded PostgreSQL and one redis-server for the whole run, shared by the projects that need them; their addresses
 * reach the test files through the environment. A DATABASE_URL or REDIS_URL of TEST_… names servers to use instead.
 */
export default async function setUp() {
  globalThis.tidewatchTestServers ??= start();
  const { postgresUrl, redisUrl } = await globalThis.tidewatchTestServers;
  process.env.TEST_POSTGRES_URL = postgresUrl;
  process.env.TEST_REDIS_URL = redisUrl;
}

const prefix = 'tidewatch-test-';

/** Servers and folders of runs that were killed before they could tidy up. */
async function sweep() {
  const { isAlive, processesIn } = await import('../../src/embedded/process-table.ts');
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    for (const server of ['postgres', 'redis']) {
      for (const left of processesIn(join(folder, server), server)) process.kill(left, 'SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function start() {
  await sweep();
  const { PostgresServer } = await import('../../src/embedded/postgres-server.ts');
  const { RedisServer, findRedis } = await import('../../src/embedded/redis-server.ts');
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'logs'));
  const servers = [];
  const given = { postgresUrl: process.env.TEST_POSTGRES_URL, redisUrl: process.env.TEST_REDIS_URL };
  if (!given.postgresUrl) {
    const postgres = await PostgresServer.prepare({
      dataDir: folder,
      maxConnections: 300,
      // Losing power in the middle of a test run costs nothing; killed processes lose nothing either way.
      settings: { fsync: 'off', full_page_writes: 'off' },
    });
    servers.push(postgres);
    await postgres.start();
    given.postgresUrl = postgres.url;
  }
  if (!given.redisUrl) {
    const program = findRedis();
    if (program === null) throw new Error('the tests need redis-server or valkey-server on the PATH');
    const redis = await RedisServer.start(program, { dataDir: folder, databases: 256 });
    servers.push(redis);
    given.redisUrl = redis.url;
  }
  return { ...given, folder, servers };
}
