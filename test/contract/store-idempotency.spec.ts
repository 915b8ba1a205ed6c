import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IdempotencyRepository } from '../../src/store/idempotency.repository.js';
import { openStore, storeBranches, type TestStore } from '../harness/store.js';
import { until } from '../harness/until.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const ticks = (n: number) =>
  Array.from({ length: n }, (_, i) => ({
    symbol: 'IDEM',
    tsMs: Date.UTC(2026, 0, 5) + i,
    price: 1 + i,
    size: null,
    sourceId: null,
  }));

describe.each(storeBranches())('idempotency keys on $dialect', (branch) => {
  let store: TestStore;
  let keys: IdempotencyRepository;
  beforeAll(async () => {
    store = await openStore(await branch.freshDatabase());
    keys = new IdempotencyRepository(store.database);
  }, 60_000);
  afterAll(() => store.close());

  const claimed = async (key: string) => {
    const claim = await keys.claim('ticks', key);
    if (claim.state !== 'claimed') throw new Error(claim.state);
    return claim;
  };

  it('gives a key to one request at a time and repeats its answer', async () => {
    const claims = await Promise.all([keys.claim('ticks', 'a'), keys.claim('ticks', 'a')]);
    expect(claims.map((c) => c.state).sort()).toEqual(['claimed', 'running']);
    const { owner } = claims.find((c) => c.state === 'claimed') as { owner: string };
    const outcome = { bodyDigest: digest('body'), status: 200, answer: { accepted: 3 } };
    expect(await keys.finish('ticks', 'a', randomUUID(), outcome)).toBe(false);
    expect(await keys.finish('ticks', 'a', owner, outcome)).toBe(true);
    expect(await keys.claim('ticks', 'a')).toEqual({ state: 'finished', ...outcome });
    expect((await keys.claim('metrics', 'a')).state).toBe('claimed');
  });

  it('frees the keys of a process the moment that it is gone, and no other', async () => {
    const other = await openStore(store.url);
    const theirs = new IdempotencyRepository(other.database);
    await theirs.claim('ticks', 'left');
    await claimed('ours');
    expect(await keys.isDecided('ticks', 'left')).toBe(false);
    expect((await keys.claim('ticks', 'left')).state).toBe('running');
    await other.close(false);
    await until(async () => (await keys.isDecided('ticks', 'left')) || undefined, 2_000);
    expect((await keys.claim('ticks', 'left')).state).toBe('claimed');
    expect([await keys.isDecided('ticks', 'left'), await keys.isDecided('ticks', 'ours')]).toEqual([
      false,
      false,
    ]);
  });

  it('does not wait for a part of a request that is being committed', async () => {
    const { owner } = await claimed('part');
    const part = { firstIndex: 0, rowCount: 1, digest: digest('x') };
    await store.database.writer.transaction(async (client) => {
      await client.query(keys.partStatement('ticks', 'part', owner, part));
      const asked = performance.now();
      expect((await keys.claim('ticks', 'part')).state).toBe('running');
      expect(await keys.isDecided('ticks', 'part')).toBe(false);
      expect(performance.now() - asked).toBeLessThan(2_000);
    });
  });

  it('shows no life in a request that was let go of', async () => {
    const { owner } = await claimed('done');
    await keys.release('ticks', 'done', owner);
    expect(await keys.heartbeat('ticks', 'done', owner)).toBe(false);
    expect(await keys.isDecided('ticks', 'done')).toBe(true);
  });

  it('remembers which parts of an unfinished request are durable', async () => {
    const first = await claimed('b');
    const part = { firstIndex: 0, rowCount: 10, digest: digest('part 0') };
    await store.ticks.append(ticks(10), { alongside: keys.partStatement('ticks', 'b', first.owner, part) });
    await keys.release('ticks', 'b', first.owner);
    const second = await claimed('b');
    expect(second.parts).toEqual([part]);
  });

  it('stores nothing for an attempt that has been taken over, and harms nobody else', async () => {
    const first = await claimed('c');
    await keys.release('ticks', 'c', first.owner);
    const second = await claimed('c');
    const before = await store.countTicks();
    const part = { firstIndex: 0, rowCount: 5, digest: digest('x') };
    const outcomes = await Promise.allSettled([
      store.ticks.append(ticks(5), { alongside: keys.partStatement('ticks', 'c', first.owner, part) }),
      store.ticks.append(ticks(7)),
      store.ticks.append(ticks(5), { alongside: keys.partStatement('ticks', 'c', second.owner, part) }),
    ]);
    expect(outcomes.map((o) => o.status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect((outcomes[0] as PromiseRejectedResult).reason).toMatchObject({
      status: 409,
      code: 'REQUEST_TAKEN_OVER',
    });
    expect(await store.countTicks()).toBe(before + 12);
    expect(await keys.heartbeat('ticks', 'c', first.owner)).toBe(false);
    expect(await keys.heartbeat('ticks', 'c', second.owner)).toBe(true);
  });
});
