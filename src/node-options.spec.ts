import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { nodeOptions } from './node-options.js';

describe('nodeOptions', () => {
  it.each([
    [1, 1],
    [2, 1],
    [4, 3],
    [64, 4],
  ])('leaves the event loop one of %i cores', (cores, threads) => {
    expect(nodeOptions(cores)).toContain(`--v8-pool-size=${threads}`);
  });

  it('is understood by this Node', () => {
    const { status, stderr } = spawnSync(process.execPath, [...nodeOptions(), '-e', ''], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });
});
