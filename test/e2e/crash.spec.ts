import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { processesIn } from '../../src/embedded/process-table.js';
import { ServerProcess } from '../harness/index.js';

const portfolio = 'CRASH';
const symbols = ['CRA', 'CRB', 'CRC'];
const batchSize = 200;

/** What is compared: everything of a summary but its age at the moment of asking. */
type Summary = Readonly<Record<string, unknown>>;

/** Equal, numbers to their last digits: a crash leaves holes in `seq`, and with them other places of rounding. */
function expectClose(actual: unknown, expected: unknown, path = ''): void {
  if (typeof expected === 'number' && typeof actual === 'number') {
    const error = Math.abs(actual - expected) / Math.max(1e-9, Math.abs(expected));
    if (error > 1e-11) throw new Error(`${path}: ${actual} after the crash, ${expected} without it`);
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(actual as object)).toEqual(Object.keys(expected));
    for (const [key, value] of Object.entries(expected)) {
      expectClose((actual as Record<string, unknown>)[key], value, `${path}/${key}`);
    }
  } else expect([path, actual]).toEqual([path, expected]);
}

describe('a server that is killed while ticks come in', () => {
  let dataDir: string;
  const servers: ServerProcess[] = [];

  const start = async () => {
    const server = new ServerProcess({ settings: { DATA_DIR: dataDir, DEMO: 'off' } });
    servers.push(server);
    return { server, url: await server.ready() };
  };

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tidewatch-crash-'));
    chmodSync(dataDir, 0o755);
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.signal('SIGTERM');
      await server.exit();
    }
    for (const name of ['postgres', 'redis']) {
      for (const pid of processesIn(join(dataDir, name), name)) process.kill(pid, 'SIGKILL');
    }
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  const post = async (url: string, batch: number) => {
    const ticks = Array.from({ length: batchSize }, (_, i) => {
      const n = batch * batchSize + i;
      return {
        symbol: symbols[n % symbols.length],
        ts: Date.UTC(2026, 0, 5) + n * 10,
        price: 100 + Math.sin(n / 50) * 5 + (n % 7) / 100,
        size: 1,
      };
    });
    // A key whose first request died under way is free at once; while it is under way a repetition waits, or comes back after 409.
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(`${url}/api/v1/ingest/ticks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `crash-${batch}` },
        body: JSON.stringify({ ticks }),
      });
      if (response.status === 200) return;
      const retryAfter = response.headers.get('retry-after');
      if (response.status !== 409 || retryAfter === null || attempt > 30) {
        throw new Error(`${response.status}: ${await response.text()}`);
      }
      await sleep(Number(retryAfter) * 1_000);
    }
  };

  const summary = async (url: string): Promise<Summary> => {
    const response = await fetch(`${url}/api/v1/analytics/portfolio/${portfolio}/summary`);
    const { data_age_ms: _, ...rest } = (await response.json()) as Record<string, unknown>;
    return rest;
  };

  const storedTimes = async (url: string): Promise<number[]> => {
    const times: number[] = [];
    for (const symbol of symbols) {
      let cursor: string | null = null;
      do {
        const query = new URLSearchParams({ symbol, limit: '5000', ...(cursor ? { cursor } : {}) });
        const response = await fetch(`${url}/api/v1/ticks?${query}`);
        const page = (await response.json()) as { items: { ts: string }[]; next_cursor: string | null };
        times.push(...page.items.map(({ ts }) => Date.parse(ts)));
        cursor = page.next_cursor;
      } while (cursor);
    }
    return times.sort((a, b) => a - b);
  };

  const createPortfolio = async (url: string) => {
    const response = await fetch(`${url}/api/v1/portfolios/${portfolio}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'Crash',
        currency: 'USD',
        positions: symbols.map((symbol, i) => ({ symbol, quantity: 10 * (i + 1) })),
      }),
    });
    expect(response.status).toBe(201);
  };

  it('loses nothing acknowledged, and its summary goes on as without the crash', async () => {
    const first = await start();
    await createPortfolio(first.url);
    let acknowledged = 0;
    const sending = (async () => {
      for (let batch = 0; batch < 10_000; batch++) {
        await post(first.url, batch);
        acknowledged = batch + 1;
      }
    })();
    sending.catch(() => 'the server was killed under it');
    while (acknowledged < 20) await sleep(5);
    first.server.signal('SIGKILL');
    await first.server.exit();
    await sending.catch(() => 'expected');
    const sure = acknowledged;

    const second = await start();
    const found = await storedTimes(second.url);
    // Each acknowledged batch is whole and there once; the one in flight is there whole or not at all.
    expect(new Set(found).size).toBe(found.length);
    expect(found.length % batchSize).toBe(0);
    expect(found.length).toBeGreaterThanOrEqual(sure * batchSize);
    expect(found.length).toBeLessThanOrEqual((sure + 1) * batchSize);

    // The sender repeats what it got no answer for, and goes on.
    for (let batch = sure; batch < sure + 10; batch++) await post(second.url, batch);
    const afterCrash = await summary(second.url);
    await second.server.stop();

    // Rebuilt from the store: the same bits.
    const third = await start();
    expect(await summary(third.url)).toEqual(afterCrash);
    await third.server.stop();

    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    dataDir = mkdtempSync(join(tmpdir(), 'tidewatch-crash-'));
    chmodSync(dataDir, 0o755);
    const never = await start();
    await createPortfolio(never.url);
    for (let batch = 0; batch < sure + 10; batch++) await post(never.url, batch);
    expectClose(afterCrash, await summary(never.url));
  }, 120_000);
});
