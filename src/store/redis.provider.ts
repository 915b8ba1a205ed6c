import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Config } from '../config/config.js';
import { Health } from '../health/health.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Logger, type ModuleLogger } from '../observability/logger.js';

/** `private`: a redis-server that this process started; `none`: what needs Redis uses its in-process twin. */
export type RedisMode = 'external' | 'private' | 'none';

const connectTimeoutMs = 2_000;

/**
 * The shared Redis connection. Commands fail at once while Redis is away instead of queueing without bound; the
 * connection comes back by itself. Pub/sub and blocking commands need a `client.duplicate()` of their own.
 */
@Injectable()
export class RedisProvider implements OnModuleInit {
  readonly mode: RedisMode;
  readonly url: string | null;
  readonly client: Redis | null;
  private readonly log: ModuleLogger;

  constructor(config: Config, lifecycle: Lifecycle, health: Health, logger: Logger) {
    this.log = logger.child('redis');
    this.url = config.get('REDIS_URL') ?? null;
    this.mode =
      this.url === null ? 'none' : config.source('REDIS_URL') === 'embedded' ? 'private' : 'external';
    this.client = this.url === null ? null : this.connectTo(this.url);
    const { client } = this;
    if (client === null) {
      health.state('redis', () => ({ status: 'in-process' }));
      return;
    }
    health.check('redis', { required: false, run: async () => void (await client.ping()) });
    // Not quit(): its reply never comes from a server that is gone.
    lifecycle.onShutdown('close', 'redis', () => client.disconnect());
  }

  async onModuleInit(): Promise<void> {
    // A command that somebody sent before has begun to connect already.
    if (this.client?.status !== 'wait') return;
    // Without Redis the server still starts; the client keeps trying.
    await this.client
      .connect()
      .catch((error: unknown) => this.log.warn({ err: error }, 'Redis does not answer yet'));
  }

  private connectTo(url: string): Redis {
    const client = new Redis(url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      connectTimeout: connectTimeoutMs,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
    });
    let reported = false;
    client.on('error', (error: unknown) => {
      // Once per outage, not once per attempt.
      if (!reported) this.log.warn({ err: error }, 'Redis connection failed');
      reported = true;
    });
    client.on('ready', () => {
      if (reported) this.log.info('Redis is back');
      reported = false;
    });
    return client;
  }
}
