import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgres, redisUrl } from '../harness/index.js';
import { ServerProcess } from '../harness/server-process.js';

/** These are not spaced out, so that they come to their end in the time of a test. */
const patient = /leaking|hoarding/;

const plugin = (name: string, collect: string) => `
  export default ({ defineCollector, gauge, z }) => {
    const value = gauge('tidewatch_test_${name}', 'A value.', { key: 'bounded' }, { maxSeries: 20 });
    return defineCollector({
      manifest: {
        name: '${name}', description: 'A plugin.', config: z.strictObject({}), metrics: [value],
        intervalMs: 500, timeoutMs: 300,
        budget: { dbMs: 50, redisCommands: 5, eventLoopMs: ${patient.test(name) ? 1000 : 20}, samples: 30 },
      },
      create: ({ metrics, database, redis }) => ({ async collect(signal) { ${collect} } }),
    });
  };`;

/** Plugins as they come, good and bad. */
const plugins: Readonly<Record<string, string>> = {
  healthy: `metrics.set(value, 1, { key: 'a' });`,
  throwing: `throw new Error('always');`,
  turning: `if (globalThis.ran) throw new Error('not again'); globalThis.ran = true; metrics.set(value, 1, { key: 'a' });`,
  hanging: `await new Promise(() => {});`,
  sleeper: `await database.query('SELECT pg_sleep(60)');`,
  slow: `for (const end = performance.now() + 60; performance.now() < end;); metrics.set(value, 1, { key: 'a' });`,
  exploding: `for (let i = 0; i < 5000; i++) metrics.set(value, i, { key: 'k' + Math.random() });`,
  stray: `setTimeout(() => { throw new Error('stray'); }, 1); metrics.set(value, 1, { key: 'a' });`,
  late: `metrics.set(value, 1, { key: 'a' }); setTimeout(() => { throw new Error('late'); }, 100);`,
  rejecting: `Promise.reject(new Error('nobody waits')); metrics.set(value, 1, { key: 'a' });`,
  greedy: `for (;;) await redis.call('PING');`,
  endless: `for (;;);`,
  leaking: `(globalThis.kept ??= []).push(new Array(4_000_000).fill(0.5)); metrics.set(value, 1, { key: 'a' });`,
  hoarding: `(globalThis.kept ??= []).push(Buffer.alloc(40_000_000, 1)); metrics.set(value, 1, { key: 'a' });`,
  writer: `await database.query('CREATE TABLE mine (x int)');`,
};

/** Types are there to be stripped; `enum` and the like, which are code, are not for plugins. */
const typed = `
  import type { CollectorContext } from 'tidewatch/collector';
  interface Reading { readonly desk: 'equity' | 'rates'; readonly depth: number }
  const readings: readonly Reading[] = [{ desk: 'equity', depth: 7 }];
  export default ({ defineCollector, gauge, z }: any) => {
    const depth = gauge('tidewatch_test_typed_depth', 'Depth.', { desk: ['equity', 'rates'] });
    return defineCollector({
      manifest: {
        name: 'typed', description: 'A plugin in TypeScript.', config: z.strictObject({}), metrics: [depth],
        intervalMs: 500, budget: { dbMs: 0, redisCommands: 0, eventLoopMs: 20, samples: 5 },
      },
      create: ({ metrics }: CollectorContext) => ({
        async collect(): Promise<void> {
          for (const { desk, depth: value } of readings) metrics.set(depth, value satisfies number, { desk });
        },
      }),
    });
  };`;

interface Report {
  readonly name: string;
  readonly origin: string;
  readonly interval_seconds: number;
  readonly effective_interval_seconds: number;
  readonly consecutive_failures: number;
  readonly last_success: string | null;
  readonly state: string;
  readonly outcome: string | null;
  readonly backoff: number;
  readonly series: number;
  readonly folded_series: number;
  readonly error: { readonly class: string; readonly message: string } | null;
}

describe('bad collectors beside good ones', () => {
  let server: ServerProcess;
  let url: string;
  let slowestMs = 0;
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-plugins-'));

  beforeAll(async () => {
    for (const [name, collect] of Object.entries(plugins)) {
      mkdirSync(join(folder, 'plugins', name), { recursive: true });
      writeFileSync(join(folder, 'plugins', name, `${name}.collector.mjs`), plugin(name, collect));
    }
    mkdirSync(join(folder, 'plugins', 'typed'));
    writeFileSync(join(folder, 'plugins', 'typed', 'typed.collector.ts'), typed);
    const installed = join(folder, 'app', 'node_modules', 'tidewatch-collector-packaged');
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, 'package.json'), '{"type":"module","exports":"./main.js"}');
    writeFileSync(join(installed, 'main.js'), plugin('packaged', `metrics.set(value, 1, { key: 'a' });`));
    server = new ServerProcess({
      cwd: join(folder, 'app'),
      settings: {
        DATA_DIR: join(folder, 'data'),
        COLLECTORS_DIR: join(folder, 'plugins'),
        DATABASE_URL: await postgres().freshDatabase(),
        REDIS_URL: await redisUrl(),
      },
    });
    url = await server.ready();
    for (const end = performance.now() + 5_000; performance.now() < end; ) {
      const asked = performance.now();
      await (await fetch(`${url}/health/live`)).text();
      slowestMs = Math.max(slowestMs, performance.now() - asked);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const report = async (name: string) =>
    (await (await fetch(`${url}/api/v1/ops/collectors/${name}`)).json()) as Report;

  /** Each turn reports for itself, and beside all these even a good one may once end at its time limit. */
  const reports = async (name: string, expected: object) => {
    const end = performance.now() + 10_000;
    for (;;) {
      const last = await report(name);
      try {
        expect(last).toMatchObject(expected);
        return;
      } catch (difference) {
        if (performance.now() > end) throw difference;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };

  /** What is true of a scrape once values have gone stale, which takes some intervals after the last good run. */
  const scrapes = async (check: (scrape: string) => void) => {
    const end = performance.now() + 10_000;
    for (;;) {
      const scrape = await (await fetch(`${url}/metrics`)).text();
      try {
        check(scrape);
        return;
      } catch (difference) {
        if (performance.now() > end) throw difference;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };

  it('leave the server and every other collector alone', async () => {
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    for (const name of ['healthy', 'pool', 'redis-memory', 'latency', 'process', 'postgres', 'redis']) {
      await reports(name, { outcome: 'success', error: null });
    }
  });

  it.each([
    ['throwing', { outcome: 'error', error: { class: 'other', message: 'always' } }],
    ['hanging', { outcome: 'timeout', error: { class: 'timeout' } }],
    // Ended by the database's statement timeout or by the runner's own, whichever comes first.
    ['sleeper', { error: { class: 'timeout' } }],
    ['writer', { outcome: 'error', error: { class: 'query' } }],
  ])('are reported for what they are: %s', async (name, expected) => {
    await reports(name, expected);
  });

  it.each([
    ['hanging', /took longer than 300 ms/],
    ['endless', /turns in circles/],
  ])('are given up when they hang for good: %s', async (name, why) => {
    let last = await report(name);
    const told = () => last.state === 'given_up' && why.test(last.error?.message ?? '');
    for (let i = 0; i < 100 && !told(); i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      last = await report(name);
    }
    expect(last).toMatchObject({ state: 'given_up', error: { message: expect.stringMatching(why) } });
    await reports('healthy', { outcome: 'success', error: null });
  });

  it.each(['greedy', 'leaking', 'hoarding'])('are ended above their budget: %s', async (name) => {
    const ended = new RegExp(
      `^tidewatch_collector_errors_total\\{collector="${name}",class="budget"} [1-9]`,
      'm',
    );
    let scrape = '';
    for (let i = 0; i < 100 && !ended.test(scrape); i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      scrape = await (await fetch(`${url}/metrics`)).text();
    }
    expect(scrape).toMatch(ended);
    await reports('healthy', { outcome: 'success', error: null });
  });

  it.each([
    ['typed', 'folder', /^tidewatch_test_typed_depth\{desk="equity"} 7$/m],
    ['packaged', 'package', /^tidewatch_test_packaged\{key="a"} 1$/m],
  ])('are found where users put them: %s', async (name, origin, series) => {
    await reports(name, { origin, outcome: 'success', error: null });
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(series);
  });

  it('are tried more rarely when they worked once and never again, and lose their values', async () => {
    const seen = await report('turning');
    expect(seen).toMatchObject({ outcome: 'error', error: { message: 'not again' } });
    expect(seen.last_success).not.toBeNull();
    expect(seen.consecutive_failures).toBeGreaterThan(2);
    expect(seen.effective_interval_seconds).toBeGreaterThan(seen.interval_seconds);
    await scrapes((scrape) => {
      expect(scrape).toContain('tidewatch_collector_success{collector="turning"} 0\n');
      expect(scrape).toContain('tidewatch_collector_stale{collector="turning"} 1\n');
      expect(scrape).not.toMatch(/^tidewatch_test_turning\{/m);
    });
  });

  it('never held up the server for long, whatever they did', () => {
    expect(slowestMs).toBeLessThan(2_000);
  });

  it('are spaced out when they hold the event loop', async () => {
    expect((await report('slow')).backoff).toBeGreaterThan(1);
  });

  it('cannot explode in labels', async () => {
    const { series, folded_series: folded } = await report('exploding');
    expect(series).toBeLessThanOrEqual(21);
    expect(folded).toBeGreaterThan(1_000);
    const scrape = await (await fetch(`${url}/metrics`)).text();
    expect(scrape).toMatch(/^tidewatch_test_exploding\{key="overflow"} \d+/m);
    expect(scrape).toMatch(/^tidewatch_metric_overflow_total\{metric="tidewatch_test_exploding"} \d{4,}/m);
  });

  it('cannot end the server with a stray timer or a promise that nobody waits for', async () => {
    for (const name of ['stray', 'rejecting']) {
      await reports(name, { error: { class: 'other', part: 'escaped' } });
    }
  });

  it('are given up when an error escapes after each run that ends well', async () => {
    await reports('late', { state: 'given_up', error: { part: 'escaped' } });
  });

  it('never look healthy to Prometheus', async () => {
    await scrapes((scrape) => {
      for (const name of ['throwing', 'hanging', 'sleeper', 'writer', 'greedy', 'late']) {
        expect(scrape).toContain(`tidewatch_collector_success{collector="${name}"} 0\n`);
        expect(scrape).not.toMatch(new RegExp(`^tidewatch_test_${name}\\{`, 'm'));
      }
    });
  });
});
