import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../harness/browser.js';
import { ServerProcess } from '../harness/index.js';

/** Pixels of the chart that are not blank. Runs in the page, whose types do not belong to this program. */
function countInk(): number {
  interface Canvas {
    width: number;
    height: number;
    getContext(kind: '2d'): {
      getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
    };
  }
  const page = globalThis as unknown as { document: { querySelector(selector: string): Canvas } };
  const canvas = page.document.querySelector('#chart');
  if (canvas.width === 0) return 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) count++;
  return count;
}

/** The demo as a newcomer sees it, in a real browser. */
describe('the console over the demo', () => {
  let browser: Browser;
  let server: ServerProcess;
  let page: Page;
  let url: string;
  const dataDir = mkdtempSync(join(tmpdir(), 'tidewatch-console-'));
  const complaints: string[] = [];

  const start = (port: string) =>
    new ServerProcess({ settings: { DATA_DIR: dataDir, DEMO: 'on', DEMO_DAY_SECONDS: '20', PORT: port } });

  beforeAll(async () => {
    chmodSync(dataDir, 0o755);
    server = start('0');
    [browser, url] = await Promise.all([launchBrowser(), server.ready()]);
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(url);
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  const text = (selector: string) => page.locator(selector).first().innerText();
  /** Asks from here: the page's policy forbids what Playwright's own waiting for a function needs. */
  const until = async (what: string, holds: () => Promise<boolean>, limitMs = 30_000) => {
    for (const end = Date.now() + limitMs; Date.now() < end; await sleep(100)) if (await holds()) return;
    throw new Error(`${what}: not within ${limitMs} ms; the page says ${await text('body')}`);
  };
  const becomes = (selector: string, wanted: RegExp) =>
    until(`${selector} ${wanted}`, async () =>
      wanted.test((await page.locator(selector).first().textContent()) ?? ''),
    );
  const value = '#portfolios tr:first-child td:nth-child(2)';

  it('is live and shows every portfolio with a value that moves, its VaR and its worst limit', async () => {
    await becomes('#connection', /^live$/);
    await becomes(value, /^\$[\d,]+$/);
    const before = await text(value);
    await until('another value', async () => (await text(value)) !== before);
    expect(await page.locator('#portfolios tr').count()).toBeGreaterThanOrEqual(3);
    await becomes('#portfolios tr:first-child td:nth-child(4)', /^\$[\d,]+$/);
    await becomes('#portfolios tr:first-child td:nth-child(5)', /\d %/);
    await becomes('#prices', /AAPL\s*\d/);
  });

  it('draws a chart that is not empty', async () => {
    await until('ink', async () => (await page.evaluate(countInk)) > 2_000);
  });

  it('shows the eight rows of the threshold table', async () => {
    await page.waitForSelector('.target');
    expect(await page.locator('.target').count()).toBe(8);
  });

  it('says how old its numbers are', async () => {
    await becomes('#age', /\d.* old/);
  });

  it('works without complaints, under a policy that lets nothing foreign in', async () => {
    const policy = (await fetch(url)).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(complaints).toEqual([]);
  });

  it('keeps the last known values while the server is away, and goes on when it is back', async () => {
    const { port } = new URL(url);
    await server.stop();
    await becomes('#connection', /^(waiting|connecting)$/);
    expect(await text(value)).toMatch(/^\$[\d,]+$/);
    server = start(port);
    await server.ready();
    await becomes('#connection', /^live$/);
  });
});
