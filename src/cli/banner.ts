import type { Config } from '../config/config.js';
import type { RedisMode } from '../store/redis.provider.js';

/** What the operator sees once the server is ready. */
export function banner(config: Config, url: string, redis: RedisMode, startedInMs: number): string {
  const database =
    config.source('DATABASE_URL') === 'embedded' ? `embedded PostgreSQL` : 'external PostgreSQL';
  const redisText = {
    private: 'private redis-server',
    external: 'external Redis',
    none: 'in-process (no redis-server on the PATH)',
  }[redis];
  return [
    '',
    `  Tidewatch is ready  ·  ${(startedInMs / 1000).toFixed(1)} s`,
    '',
    `  Console    ${url}`,
    `  Database   ${database}`,
    `  Redis      ${redisText}`,
    `  Demo       ${config.get('DEMO') === 'on' ? 'on: portfolios over replayed daily prices (DEMO=off to switch off)' : 'off'}`,
    `  Data, log  ${config.get('DATA_DIR')}`,
    '',
    '  Stop with Ctrl-C.',
    '',
  ].join('\n');
}
