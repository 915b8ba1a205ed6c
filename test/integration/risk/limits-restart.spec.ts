import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from '@jest/globals';
import { hashKey } from '../../../src/access/key-file.authorizer.js';
import { EventBus } from '../../../src/domain/event-bus.js';
import type { LimitTransition } from '../../../src/domain/events.js';
import { BarRepository } from '../../../src/store/bar.repository.js';
import { noise } from '../../factories/fake-closes.js';
import { postgres, startApp, type TestApp } from '../../harness/index.js';

/** Parsed JSON, looked into field by field. */
type Answer = ReturnType<typeof JSON.parse>;

describe('a limit in breach over a restart', () => {
  let app: TestApp | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-keys-'));
  afterAll(async () => {
    await app?.stop();
    rmSync(folder, { recursive: true });
  });

  async function call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${app!.baseUrl}/api/v1/${path}`, {
      method,
      headers: {
        authorization: 'Bearer secret',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(response.ok).toBe(true);
    return response.json();
  }

  async function until(what: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 200; i++) {
      if (await what()) return;
      await sleep(50);
    }
    throw new Error('it did not happen');
  }

  it('is still in breach, says nothing new, and clears by its own clear threshold', async () => {
    const API_KEYS = join(folder, 'keys.json');
    writeFileSync(
      API_KEYS,
      JSON.stringify({ keys: [{ id: 'risk-desk', hash: hashKey('secret'), scopes: ['admin'] }] }),
    );
    const DATABASE_URL = await postgres().freshDatabase();
    const settings = { DATABASE_URL, RISK_PUBLISH_MS: '50', API_KEYS };
    app = await startApp(settings);
    let close = 100;
    const bars = Array.from({ length: 200 }, (_, t) => {
      close *= 1 + 0.02 * noise(t);
      return { symbol: 'RST', day: 20_000 + t, close };
    });
    await app.app.get(BarRepository).upsert(bars);
    const tick = (price: number) =>
      call('POST', 'ingest/ticks', { ticks: [{ symbol: 'RST', ts: Date.now(), price }] });
    await tick(10);
    await call('PUT', 'portfolios/R', {
      name: 'R',
      currency: 'USD',
      positions: [{ symbol: 'RST', quantity: 100 }],
    });
    const limit = await call('POST', 'risk/portfolio/R/limits', {
      limit_type: 'gross_exposure',
      threshold_value: 1_500,
      warning_threshold: 1_400,
      clear_threshold: 900,
    });
    const status = async (): Promise<string> =>
      (await call('GET', `risk/portfolio/R/limits/${limit.id}`)).status;
    await tick(20);
    await until(async () => (await status()) === 'breach');
    // Below the threshold and above the clear threshold: a breach that a new limit would not be in.
    await tick(12);
    await until(
      async () => (await call('GET', `risk/portfolio/R/limits/${limit.id}`)).current_value === 1_200,
    );
    expect(await status()).toBe('breach');
    // The audit and the acknowledgement name the key.
    const ack = await call('POST', `risk/portfolio/R/limits/${limit.id}/ack`, { comment: 'seen' });
    expect(ack.acknowledged).toMatchObject({ by: 'risk-desk', comment: 'seen' });
    const audit = await call('GET', `risk/portfolio/R/limits/${limit.id}/audit`);
    expect(audit.items.map((e: Answer) => [e.action, e.actor])).toEqual([
      ['acknowledged', 'risk-desk'],
      ['created', 'risk-desk'],
    ]);
    await app.stop();

    app = await startApp(settings);
    const transitions: LimitTransition[] = [];
    app.app.get(EventBus).on('limit.transition', (e) => transitions.push(e));
    expect(await status()).toBe('breach');
    await tick(12.5);
    await until(
      async () => (await call('GET', `risk/portfolio/R/limits/${limit.id}`)).current_value === 1_250,
    );
    expect([await status(), transitions]).toEqual(['breach', []]);
    await tick(8);
    await until(async () => (await status()) === 'normal');
    const { items } = await call('GET', 'risk/portfolio/R/events');
    expect(items.filter((e: Answer) => e.to === 'breach')).toHaveLength(1);
  }, 60_000);
});
