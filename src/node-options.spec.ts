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

  it.each([
    [16 * 2 ** 30, 384],
    [2 ** 30, 128],
    [64 * 2 ** 20, 32],
  ])('lets the heap of a process with %d bytes of memory grow to %d MB in peace', (memory, megabytes) => {
    expect(nodeOptions(2, memory)).toContain(`--initial-heap-size=${megabytes}`);
  });

  it('is understood by this Node', () => {
    const { status, stderr } = spawnSync(process.execPath, [...nodeOptions(), '-e', ''], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });
});
