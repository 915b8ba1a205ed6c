import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { discover } from './discovery.js';

const plugin = (name: string, metric = `tidewatch_${name.replaceAll('-', '_')}_value`) => `
  export default ({ defineCollector, gauge, z }) => {
    const value = gauge('${metric}', 'A value.');
    return defineCollector({
      manifest: {
        name: '${name}', description: 'A plugin.', config: z.strictObject({}), metrics: [value], intervalMs: 1000,
        budget: { dbMs: 0, redisCommands: 0, eventLoopMs: 5, samples: 5 },
      },
      create: ({ metrics }) => ({ async collect() { metrics.set(value, 1); } }),
    });
  };`;

describe('discover', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tidewatch-discovery-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const look = () =>
    discover({
      folders: [{ path: join(root, 'plugins'), origin: 'folder' }],
      packagesFrom: [join(root, 'app')],
    });
  const names = async () => (await look()).found.map(({ definition }) => definition.manifest.name);

  it('finds nothing where there is nothing', async () => {
    expect(await look()).toEqual({ found: [], broken: [] });
  });

  it('finds folders and packages, scoped and above too, without a list', async () => {
    write('plugins/one/one.collector.mjs', plugin('one'));
    write('plugins/one/README.md', 'not a plugin');
    write('node_modules/tidewatch-collector-two/package.json', '{"exports":{".":"./main.mjs"}}');
    write('node_modules/tidewatch-collector-two/main.mjs', plugin('two'));
    write('app/node_modules/@acme/tidewatch-collector-three/package.json', '{"main":"main.mjs"}');
    write('app/node_modules/@acme/tidewatch-collector-three/main.mjs', plugin('three'));
    write('app/node_modules/other/index.js', 'throw new Error()');
    expect(await names()).toEqual(['one', 'three', 'two']);
  });

  it('keeps what is broken apart, with the reason, and uses the rest', async () => {
    write('plugins/good/good.collector.mjs', plugin('good'));
    write('plugins/empty/empty.collector.mjs', 'export const nothing = 1;');
    write('plugins/syntax/syntax.collector.mjs', 'export default {');
    write('plugins/throws/throws.collector.mjs', "throw new Error('at import');");
    write(
      'plugins/wrong/wrong.collector.mjs',
      "export default { manifest: { name: 'Not Kebab', metrics: [] }, create() {} };",
    );
    write('plugins/zwilling/zwilling.collector.mjs', plugin('good'));
    write('plugins/thief/thief.collector.mjs', plugin('thief', 'tidewatch_good_value'));
    const { found, broken } = await look();
    expect(found.map(({ definition }) => definition.manifest.name)).toEqual(['good']);
    expect(Object.fromEntries(broken.map(({ name, error }) => [name, error]))).toEqual({
      empty: expect.stringMatching(/no default export/),
      syntax: expect.any(String),
      throws: 'at import',
      wrong: expect.stringMatching(/manifest is wrong: .*name: is not kebab-case/),
      zwilling: expect.stringMatching(/good is also in/),
      thief: 'the metric tidewatch_good_value belongs to good',
    });
  });
});
