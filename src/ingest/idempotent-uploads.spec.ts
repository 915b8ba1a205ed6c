import { expect, it, jest } from '@jest/globals';
import type { Config } from '../config/config.js';
import { Logger } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.js';
import type { IdempotencyRepository } from '../store/idempotency.repository.js';
import { IdempotentUploads } from './idempotent-uploads.js';

it('lets go at the next attempt of a key that it could not let go of while the database was away', async () => {
  const owners = ['first', 'second'];
  let claimedBy: string | undefined;
  let away = false;
  const release = jest.fn(async (_scope: string, _key: string, owner: string) => {
    if (away) throw new Error('away');
    if (claimedBy === owner) claimedBy = undefined;
  });
  const keys = {
    release,
    claim: async () => {
      if (claimedBy !== undefined) return { state: 'running' };
      claimedBy = owners.shift();
      return { state: 'claimed', owner: claimedBy, parts: [] };
    },
    finish: async () => true,
  };
  const metrics = new Metrics();
  const uploads = new IdempotentUploads(
    keys as unknown as IdempotencyRepository,
    {} as Config,
    metrics,
    Logger.silent(),
  );
  const body = (async function* () {})();
  const upload = { scope: 's', format: 'json', key: 'k', body };
  const failing = uploads.once(upload, async () => {
    away = true;
    throw new Error('503');
  });
  await expect(failing).rejects.toThrow('503');
  expect(claimedBy).toBe('first');
  away = false;
  const answer = { accepted: 1, duplicates: 0, rejected: [], rejected_total: 0 };
  await expect(uploads.once(upload, async () => answer as never)).resolves.toMatchObject({ replayed: false });
  expect(claimedBy).toBe('second');
  expect(release).toHaveBeenCalledTimes(2);
});
