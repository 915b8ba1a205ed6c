import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { startApp, type TestApp } from '../../harness/index.js';

interface RuleCheck {
  readonly name: string;
  readonly state: string;
  readonly can_fire: boolean;
  readonly waiting_for: readonly string[];
}

let app: TestApp;
let redis: ChildProcess;
/** How far the clock is put forward, so that nobody waits for values to go stale. */
let aheadMs = 0;

const json = async (path: string) => (await (await fetch(`${app.baseUrl}${path}`)).json()) as unknown;
const redisRules = async () => {
  const { rules } = (await json('/api/v1/alerts/rules')) as { rules: RuleCheck[] };
  return new Map(rules.filter(({ name }) => name.startsWith('Redis')).map((rule) => [rule.name, rule]));
};
const statesOf = (rules: ReadonlyMap<string, RuleCheck>) =>
  Object.fromEntries([...rules].map(([name, { state, can_fire }]) => [name, `${state} ${can_fire}`]));

/** Asks until it is so, or until the limit: the assertion after it then says what is not. */
async function until(check: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end && !(await check()); ) await sleep(100);
}

beforeAll(async () => {
  const now = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs);
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  redis = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
  });
  app = await startApp({ REDIS_URL: `redis://127.0.0.1:${port}` });
  await Promise.all(
    ['redis', 'redis-memory'].map((name) =>
      fetch(`${app.baseUrl}/api/v1/ops/collectors/${name}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: '{"interval_seconds":1}',
      }),
    ),
  );
});
afterAll(async () => {
  await app.stop();
  jest.restoreAllMocks();
  if (redis.exitCode === null && redis.signalCode === null) redis.kill('SIGKILL');
});

it('a Redis that died is down, and whatever else is judged of it is unknown: never inactive', async () => {
  await until(async () => [...(await redisRules()).values()].every(({ state }) => state === 'inactive'));
  const well = 'inactive true';
  expect(statesOf(await redisRules())).toEqual({
    RedisFragmentationHigh: well,
    RedisMemoryHigh: well,
    RedisMemoryFull: well,
    RedisEvictions: well,
    RedisPolicyUnsafe: well,
    RedisDown: well,
  });

  redis.kill('SIGKILL');
  await once(redis, 'exit');
  aheadMs = 60_000;
  await until(async () => (await redisRules()).get('RedisMemoryFull')?.state === 'unknown');
  const lost = 'unknown false';
  const after = await redisRules();
  expect(statesOf(after)).toEqual({
    RedisFragmentationHigh: lost,
    RedisMemoryHigh: lost,
    RedisMemoryFull: lost,
    RedisEvictions: lost,
    RedisPolicyUnsafe: lost,
    RedisDown: 'pending true',
  });
  expect(after.get('RedisMemoryFull')?.waiting_for).toEqual([
    'tidewatch_redis_memory_used_bytes has no series in this process now: its collector has no data',
  ]);
  expect(await json('/health')).toMatchObject({
    status: 'degraded',
    checks: { redis: { status: 'failed' } },
  });
});
