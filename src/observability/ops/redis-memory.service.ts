import { Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { Problem, unavailable } from '../../domain/problem.js';
import { RedisProvider } from '../../store/redis.provider.js';
import { describe } from '../collection/error-class.js';
import { parseRedisInfo, type RedisMemory, redisMemoryOf } from '../collection/redis-info.js';
import { Logger, type ModuleLogger } from '../logger.js';

/** Above this, a purge is worth its while; the same figure warns (`redis_fragmentation` in alerts/thresholds.yml). */
const fragmentationWorthPurging = 1.5;

const noRedis = 'no Redis is configured; what needs one uses its in-process twin';

/** Redis' memory on demand, and the purge. */
@Injectable()
export class RedisMemoryService {
  private readonly log: ModuleLogger;

  constructor(
    private readonly redis: RedisProvider,
    logger: Logger,
  ) {
    this.log = logger.child('redis');
  }

  /** @throws Problem 503 when Redis does not answer */
  async read() {
    const { client, mode } = this.redis;
    const memory = client === null ? null : await this.memory(client);
    return {
      as_of: new Date().toISOString(),
      data_age_ms: 0,
      mode,
      ...answer(memory),
      reason: memory === null ? noRedis : null,
    };
  }

  /**
   * Asks the allocator to return free pages to the system (`MEMORY PURGE`). Deletes nothing: keys, expired or not, stay.
   * @param force also when fragmentation is not high enough to be worth it
   * @throws Problem 409 without a Redis, 503 when it does not answer
   */
  async optimize(force: boolean) {
    const { client } = this.redis;
    if (client === null) throw new Problem(409, 'NO_REDIS', `Nothing to optimise: ${noRedis}.`);
    const before = await this.memory(client);
    const ratio = before.fragmentationRatio;
    const worthIt = ratio !== null && ratio > fragmentationWorthPurging;
    const purge = force || worthIt;
    if (purge) await this.answerOf(client.call('MEMORY', 'PURGE'));
    const after = purge ? await this.memory(client) : before;
    const released =
      before.rssBytes === null || after.rssBytes === null ? null : before.rssBytes - after.rssBytes;
    if (purge) this.log.info({ before, after }, 'Redis was asked to return free memory to the system');
    return {
      as_of: new Date().toISOString(),
      action: purge ? 'memory_purge' : 'none',
      explanation: purge
        ? 'The allocator was asked to return free pages to the system; no key was removed.'
        : `Fragmentation ${ratio ?? 'unknown'} is not above ${fragmentationWorthPurging}; send {"force": true} to purge all the same.`,
      released_bytes: purge ? released : null,
      before: answer(before),
      after: answer(after),
    };
  }

  private async memory(client: Redis): Promise<RedisMemory> {
    return redisMemoryOf(parseRedisInfo(String(await this.answerOf(client.info('everything')))));
  }

  private async answerOf<T>(reply: Promise<T>): Promise<T> {
    try {
      return await reply;
    } catch (error) {
      throw unavailable('REDIS_UNAVAILABLE', `Redis does not answer: ${describe(error)}`);
    }
  }
}

const answer = (memory: RedisMemory | null) => ({
  used_bytes: memory?.usedBytes ?? null,
  peak_bytes: memory?.peakBytes ?? null,
  rss_bytes: memory?.rssBytes ?? null,
  max_bytes: memory?.limitBytes ?? null,
  fragmentation_ratio: memory?.fragmentationRatio ?? null,
  efficiency: memory?.efficiencyRatio ?? null,
  evicted_keys: memory?.evictedKeys ?? null,
  expired_keys: memory?.expiredKeys ?? null,
  hit_ratio: memory?.hitRatio ?? null,
  maxmemory_policy: memory?.policy ?? null,
});
