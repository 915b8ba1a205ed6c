import { tracingChannel } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { CollectorDefinition } from '../../src/observability/collection/collector.js';
import { rehearse, seriesOf } from '../../src/observability/collection/rehearsal.js';
import { observeCommands } from './command-latency.js';
import redisCollector from './redis.collector.js';

const definition = redisCollector as CollectorDefinition;
const info = readFileSync(new URL('../redis-memory/testdata/info.redis-7.0.txt', import.meta.url), 'utf8');

describe('redis', () => {
  it('reports what INFO of Redis 7.0 says, and the slow log', async () => {
    const redis = (command: string) => ({ PING: 'PONG', INFO: info, SLOWLOG: 3 })[command];
    const run = await rehearse(definition, { redis });
    expect(run).toMatchObject({ outcome: 'success', lint: [] });
    expect(seriesOf(run)).toMatchObject({
      tidewatch_redis_up: 1,
      'tidewatch_redis_clients{state="connected"}': 1,
      tidewatch_redis_slow_log_entries: 3,
      tidewatch_redis_persistence_failed: 0,
    });
  });

  it('says that a Redis is away: that is a result, not a failed run', async () => {
    const redis = () => {
      throw new Error('Connection is closed.');
    };
    const run = await rehearse(definition, { redis });
    expect(run.outcome).toBe('success');
    expect(seriesOf(run)).toEqual({ tidewatch_redis_up: 0 });
  });
});

describe('observeCommands', () => {
  it('times what ioredis publishes, and stops when told', async () => {
    const took: [string, number][] = [];
    const failed: string[] = [];
    const end = observeCommands({
      took: (command, seconds) => took.push([command, seconds]),
      failed: (command) => failed.push(command),
    });
    const channel = tracingChannel<{ command: string }>('ioredis:command');
    const send = (command: string, work: () => Promise<unknown>) =>
      channel.tracePromise(work, { command }).catch(() => undefined);
    await send('get', () => new Promise((resolve) => setTimeout(resolve, 20)));
    await send('set', () => Promise.reject(new Error('READONLY')));
    end();
    await send('del', async () => undefined);
    expect(took.map(([command]) => command)).toEqual(['get', 'set']);
    expect(took[0]?.[1]).toBeGreaterThan(0.015);
    expect(failed).toEqual(['set']);
  });
});
