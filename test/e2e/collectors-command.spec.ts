import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CommandResult, tidewatch } from '../harness/index.js';

const plugin = (name: string, collect: string) => `
  export default ({ defineCollector, gauge, z }) => {
    const value = gauge('tidewatch_test_${name}', 'A value.');
    return defineCollector({
      manifest: {
        name: '${name}', description: 'A plugin.', config: z.strictObject({}), metrics: [value],
        intervalMs: 1000, timeoutMs: 300, budget: { dbMs: 0, redisCommands: 0, eventLoopMs: 100, samples: 5 },
      },
      create: ({ metrics }) => ({ async collect() { ${collect} } }),
    });
  };`;

/** What each does in a run, the exit code of its test, and what that says. */
const plugins: readonly (readonly [name: string, collect: string, code: number, said: RegExp])[] = [
  ['working', 'metrics.set(value, 7);', 0, /✓ success.*tidewatch_test_working 7/s],
  ['hanging', 'await new Promise(() => {});', 1, /✗ timeout.*took longer than 300 ms/s],
  ['endless', 'for (;;);', 1, /✗ timeout.*turns in circles/s],
  ['leaving', 'process.exit(3);', 1, /✗ error.*the plugin ended its thread/s],
  ['lingering', 'setInterval(() => {}, 1_000); metrics.set(value, 7);', 0, /✓ success/],
  [
    'stray',
    "setTimeout(() => { throw new Error('from a timer'); }, 20); metrics.set(value, 7);",
    1,
    /✗ error.*escaped: from a timer/s,
  ],
];

describe('tidewatch collectors test', () => {
  let folder: string;
  const results = new Map<string, CommandResult & { readonly ms: number }>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidewatch-try-'));
    for (const [name, collect] of plugins) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, `${name}.collector.mjs`), plugin(name, collect));
    }
    // Together: most of each is waiting.
    await Promise.all(
      plugins.map(async ([name]) => {
        const begun = performance.now();
        const settings = { COLLECTORS_DIR: folder, DATA_DIR: join(folder, 'data') };
        const result = await tidewatch(['collectors', 'test', name, '--runs', '1'], settings);
        results.set(name, { ...result, ms: performance.now() - begun });
      }),
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(plugins)('comes to its end, whatever the plugin does: %s', (name, _collect, code, said) => {
    const result = results.get(name);
    expect(result?.stdout).toMatch(said);
    expect(result?.code).toBe(code);
    expect(result?.ms).toBeLessThan(20_000);
  });
});
