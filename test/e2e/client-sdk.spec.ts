import { resolve } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Hub } from '../../src/broadcast/hub.js';
import { type ClientState, type Gap, TidewatchClient } from '../../src/client/index.js';
import { launchBrowser } from '../harness/browser.js';
import { type CuttableProxy, cuttableProxy } from '../harness/cuttable-proxy.js';
import { startApp, type TestApp } from '../harness/index.js';

const dist = resolve(import.meta.dirname, '../../dist/src/client');
const portOf = (app: TestApp): number => Number(new URL(app.baseUrl).port);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(10);
  }
}

describe('tidewatch/client against the server', () => {
  const apps: TestApp[] = [];
  let proxy: CuttableProxy | undefined;
  let client: TidewatchClient | undefined;

  const start = async (settings: Parameters<typeof startApp>[0] = {}) => {
    const app = await startApp(settings);
    apps.push(app);
    return app;
  };
  const follow = (states: ClientState[] = []) => {
    client = new TidewatchClient({
      url: `http://127.0.0.1:${proxy?.port}`,
      firstDelayMs: 50,
      maxDelayMs: 200,
      onState: (state) => states.push(state),
    });
    return client;
  };

  afterEach(async () => {
    client?.close();
    await proxy?.stop();
    await Promise.all(apps.splice(0).map((app) => app.stop()));
  });

  it('loses and repeats nothing while the network is cut under a running stream', async () => {
    const app = await start();
    const hub = app.app.get(Hub);
    proxy = await cuttableProxy(portOf(app));
    const got: number[] = [];
    const gaps: Gap[] = [];
    const subscription = follow().subscribe('custom.sdk', {
      onMessage: (data) => got.push((data as { n: number }).n),
      onGap: (gap) => gaps.push(gap),
    });
    await until('subscribed', () => subscription.position !== null);
    const total = 600;
    for (let n = 0; n < total; n++) {
      hub.publish('custom.sdk', { n });
      if (n % 150 === 75) proxy.cut();
      if (n % 10 === 0) await sleep(5);
    }
    await until('everything has arrived', () => got.length >= total);
    expect(got).toEqual(Array.from({ length: total }, (_, n) => n));
    expect(gaps).toEqual([]);
  });

  it('says that history is gone when another server answers, and goes on', async () => {
    const first = await start();
    proxy = await cuttableProxy(portOf(first));
    const states: ClientState[] = [];
    const got: number[] = [];
    const gaps: Gap[] = [];
    const subscription = follow(states).subscribe('custom.sdk', {
      onMessage: (data) => got.push((data as { n: number }).n),
      onGap: (gap) => gaps.push(gap),
    });
    await until('subscribed', () => subscription.position !== null);
    first.app.get(Hub).publish('custom.sdk', { n: 1 });
    await until('the first message', () => got.length === 1);

    const second = await start();
    proxy.away(true);
    await until('waiting', () => states.includes('waiting'));
    proxy.retarget(portOf(second));
    proxy.away(false);
    await until('a gap', () => gaps.length === 1);
    expect(gaps[0]?.topic).toBe('custom.sdk');
    second.app.get(Hub).publish('custom.sdk', { n: 2 });
    await until('the second message', () => got.length === 2);
    expect(got).toEqual([1, 2]);
  });

  it('is exported, depends on nothing, and runs in a real browser through a cut network', async () => {
    const exported = (await import('tidewatch/client')) as { TidewatchClient: unknown };
    expect(exported.TidewatchClient).toBeInstanceOf(Function);
    const app = await start();
    const hub = app.app.get(Hub);
    proxy = await cuttableProxy(portOf(app));
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      const origin = `http://127.0.0.1:${proxy.port}`;
      // The built files as they are: an import of Node, or of a package, would fail here.
      await page.route(`${origin}/sdk/**`, (route) => {
        const path = new URL(route.request().url()).pathname.slice('/sdk/'.length);
        return route.fulfill({ contentType: 'text/javascript', path: resolve(dist, path) });
      });
      // Any document that comes from the server itself.
      await page.goto(`${origin}/health`);
      await page.evaluate(`(async () => {
        const { TidewatchClient } = await import('/sdk/index.js');
        window.got = []; window.gaps = [];
        window.client = new TidewatchClient({ url: location.origin, firstDelayMs: 50, maxDelayMs: 200 });
        window.subscription = window.client.subscribe('custom.browser', {
          onMessage: ({ n }) => window.got.push(n), onGap: (gap) => window.gaps.push(gap),
        });
      })()`);
      await page.waitForFunction('window.subscription.position !== null', undefined, { timeout: 5_000 });
      for (let n = 0; n < 200; n++) {
        hub.publish('custom.browser', { n });
        if (n === 100) proxy.cut();
        if (n % 10 === 0) await sleep(5);
      }
      await page.waitForFunction('window.got.length >= 200', undefined, { timeout: 5_000 });
      expect(await page.evaluate('window.got')).toEqual(Array.from({ length: 200 }, (_, n) => n));
      expect(await page.evaluate('window.gaps')).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it('has all its subscriptions in the end where the server takes few messages a second', async () => {
    const app = await start({ WS_MESSAGES_PER_SECOND: '10' });
    proxy = await cuttableProxy(portOf(app));
    const errors: string[] = [];
    const onError = (code: string) => errors.push(code);
    const it = follow();
    const following = Array.from({ length: 45 }, (_, i) =>
      it.subscribe(`custom.few.${i}`, { onMessage: () => {}, onError }),
    );
    await until('all subscribed', () => following.every(({ position }) => position !== null));
    expect(errors).toEqual([]);
    const ended = following[0]!;
    ended.unsubscribe();
    const got: unknown[] = [];
    it.subscribe('custom.few.0', { onMessage: (data) => got.push(data), onError });
    await sleep(300);
    app.app.get(Hub).publish('custom.few.0', 1);
    await until('the message', () => got.length > 0);
    expect([got, errors]).toEqual([[1], []]);
  });

  it('measures a round trip and reports a topic that cannot be', async () => {
    proxy = await cuttableProxy(portOf(await start()));
    const errors: string[] = [];
    const it = follow();
    it.subscribe('nonsense', { onMessage: () => {}, onError: (code) => errors.push(code) });
    await until('refused', () => errors.length === 1);
    expect(errors).toEqual(['UNKNOWN_TOPIC']);
    expect(await it.ping()).toBeGreaterThan(0);
  });
});
