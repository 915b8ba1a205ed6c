import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Logger } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.js';
import type { IdempotencyRepository } from '../store/idempotency.repository.js';
import { IdempotentUploads } from './idempotent-uploads.js';

const answer = { accepted: 1, duplicates: 0, rejected: [], rejected_total: 0 } as never;

/** One key as the store keeps it, on a database that can be away. */
class OneKey {
  owner: string | undefined;
  away = false;
  claims = 0;

  async claim(): Promise<unknown> {
    this.claims++;
    if (this.owner !== undefined) return { state: 'running' };
    this.owner = `owner ${this.claims}`;
    return { state: 'claimed', owner: this.owner, parts: [] };
  }

  async isDecided(): Promise<boolean> {
    return this.owner === undefined;
  }

  async release(_scope: string, _key: string, owner: string): Promise<void> {
    if (this.away) throw new Error('away');
    if (this.owner === owner) this.owner = undefined;
  }

  async finish(): Promise<boolean> {
    this.owner = undefined;
    return true;
  }
}

function setUp() {
  const key = new OneKey();
  const metrics = new Metrics();
  const lifecycle = new Lifecycle();
  const uploads = new IdempotentUploads(
    key as unknown as IdempotencyRepository,
    lifecycle,
    metrics,
    Logger.silent(),
  );
  const upload = () => ({ scope: 's', format: 'json', key: 'k', body: (async function* () {})() });
  const waits = () =>
    Object.fromEntries(
      metrics
        .read('tidewatch_ingest_idempotency_waits_total')
        .map(({ labels, value }) => [labels.outcome, value]),
    );
  return { key, uploads, lifecycle, upload, waits };
}

describe('idempotent uploads', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('let go of a key as soon as the database is back, without being asked again', async () => {
    jest.useRealTimers();
    const { key, uploads, upload } = setUp();
    const failing = uploads.once(upload(), async () => {
      key.away = true;
      throw new Error('503');
    });
    await expect(failing).rejects.toThrow('503');
    expect(key.owner).toBe('owner 1');
    key.away = false;
    await expect(uploads.once(upload(), async () => answer)).resolves.toMatchObject({ replayed: false });
    expect(key.owner).toBeUndefined();
  });

  it('wait for another attempt for so long, and then say that it is under way', async () => {
    const { key, uploads, upload, waits } = setUp();
    key.owner = 'another process';
    const waiting = uploads.once(upload(), async () => answer);
    const refused = expect(waiting).rejects.toMatchObject({ status: 409, code: 'IDEMPOTENCY_KEY_IN_USE' });
    await jest.advanceTimersByTimeAsync(9_700);
    expect(waits()).toEqual({ decided: 0, timeout: 0, too_many: 0 });
    await jest.advanceTimersByTimeAsync(400);
    await refused;
    expect(waits()).toEqual({ decided: 0, timeout: 1, too_many: 0 });
    // Asked whether it is decided, not claimed again and again.
    expect(key.claims).toBe(1);
  });

  it('refuse at once what would wait above the limit, and run one after the other what waited', async () => {
    const { key, uploads, upload, waits } = setUp();
    key.owner = 'another process';
    let ran = 0;
    const run = async () => {
      ran++;
      return answer;
    };
    const waiting = Array.from({ length: 100 }, () => uploads.once(upload(), run));
    await jest.advanceTimersByTimeAsync(50);
    await expect(uploads.once(upload(), run)).rejects.toMatchObject({ status: 409 });
    key.owner = undefined;
    await jest.advanceTimersByTimeAsync(5_000);
    await Promise.allSettled(waiting);
    expect(waits()).toMatchObject({ too_many: 1 });
    expect(ran).toBeGreaterThan(0);
  });

  it('wait no longer when the server stops', async () => {
    const { key, uploads, upload, lifecycle } = setUp();
    key.owner = 'another process';
    const waiting = uploads.once(upload(), async () => answer);
    const refused = expect(waiting).rejects.toMatchObject({ status: 503, code: 'STOPPING' });
    await jest.advanceTimersByTimeAsync(100);
    void lifecycle.shutdown();
    await jest.advanceTimersByTimeAsync(300);
    await refused;
  });
});
