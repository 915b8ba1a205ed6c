import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { hashKey } from '../../src/access/key-file.authorizer.js';
import { launchBrowser } from '../harness/browser.js';
import { startApp, type TestApp } from '../harness/index.js';

describe('the console in a real browser', () => {
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    app = await startApp();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });

  const send = async (method: string, path: string, body: unknown) => {
    const response = await fetch(`${app.baseUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  };

  it('shows a portfolio moving with its ticks, live, without an error in the page', async () => {
    await send('PUT', '/api/v1/portfolios/CONSOLE', {
      name: 'Console book',
      currency: 'USD',
      positions: [{ symbol: 'CON', quantity: 1_000 }],
    });
    const tick = (price: number) =>
      send('POST', '/api/v1/ingest/ticks', { ticks: [{ symbol: 'CON', ts: Date.now(), price }] });
    await tick(100);

    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(app.baseUrl);
    const row = page.locator('tbody tr', { hasText: 'Console book' });
    await row.waitFor({ timeout: 5_000 });
    for (const price of [101, 102.5, 103]) {
      await tick(price);
      await page.waitForTimeout(300);
    }
    await page.locator('#connection', { hasText: 'live' }).waitFor({ timeout: 5_000 });
    await row.locator('td', { hasText: '$103,000' }).waitFor({ timeout: 5_000 });
    await page.locator('#prices', { hasText: 'CON' }).waitFor({ timeout: 5_000 });
    // The chart has been drawn on: some pixel is not transparent.
    const drawn = await page.locator('#chart').evaluate((element) => {
      const canvas = element as unknown as {
        width: number;
        height: number;
        getContext(kind: '2d'): {
          getImageData(x: number, y: number, w: number, h: number): { data: Uint8Array };
        };
      };
      return canvas
        .getContext('2d')
        .getImageData(0, 0, canvas.width, canvas.height)
        .data.some((value) => value !== 0);
    });
    expect(drawn).toBe(true);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('asks for a key where the server wants one, and uses it for everything', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidewatch-console-'));
    const keys = [{ id: 'all', hash: hashKey('right-key'), scopes: ['admin'] }];
    writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys }));
    const keyed = await startApp({ API_KEYS: join(folder, 'keys.json') });
    const page = await browser.newPage();
    try {
      const headers = { authorization: 'Bearer right-key', 'content-type': 'application/json' };
      const book = { name: 'Keyed book', currency: 'USD', positions: [{ symbol: 'KEY', quantity: 10 }] };
      await fetch(`${keyed.baseUrl}/api/v1/portfolios/KEYED`, {
        method: 'PUT',
        headers,
        body: JSON.stringify(book),
      });
      await page.goto(keyed.baseUrl);
      const enter = async (key: string) => {
        await page.locator('#key').fill(key);
        await page.locator('#key').press('Enter');
      };
      await enter('wrong-key');
      await page.locator('#key-form', { hasText: 'does not take this key' }).waitFor({ timeout: 5_000 });
      await enter('right-key');
      const row = page.locator('tbody tr', { hasText: 'Keyed book' });
      await row.waitFor({ timeout: 5_000 });
      await page.locator('#connection', { hasText: /live|stale/ }).waitFor({ timeout: 5_000 });
      const ticks = [{ symbol: 'KEY', ts: Date.now(), price: 7 }];
      await fetch(`${keyed.baseUrl}/api/v1/ingest/ticks`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ ticks }),
      });
      await page.locator('#prices', { hasText: 'KEY' }).waitFor({ timeout: 5_000 });
      // It stays with the tab, and out of the address.
      await page.reload();
      await row.waitFor({ timeout: 5_000 });
      expect(await page.locator('#key-form').isVisible()).toBe(false);
      expect(page.url()).not.toContain('right-key');
      await page.locator('#forget').click();
      await page.locator('#key-form').waitFor({ timeout: 5_000 });
    } finally {
      await page.close();
      await keyed.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('says so when the server is gone and keeps the last known values', async () => {
    const other = await startApp();
    const page = await browser.newPage();
    await page.goto(other.baseUrl);
    await page.locator('#connection', { hasText: /live|stale/ }).waitFor({ timeout: 5_000 });
    await other.stop();
    await page.locator('#connection', { hasText: /waiting|connecting/ }).waitFor({ timeout: 5_000 });
    await page.close();
  });
});
