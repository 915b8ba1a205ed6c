import { describe, expect, it } from '@jest/globals';
import { readLimits, readThrottledSeconds } from './cgroup.js';

const machine = { cores: 8, memoryBytes: 32e9 };
const tree = (files: Readonly<Record<string, string>>) => (path: string) => files[path] ?? null;

describe('readLimits', () => {
  it('takes the machine where there is no limit', () => {
    expect(readLimits(tree({}), machine)).toEqual({ ...machine, source: 'machine' });
    const read = tree({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' });
    expect(readLimits(read, machine)).toEqual({ ...machine, source: 'machine' });
  });

  it('takes the narrowest of a v2 tree', () => {
    const read = tree({
      '/proc/self/cgroup': '0::/system.slice/tidewatch.service\n',
      '/sys/fs/cgroup/system.slice/tidewatch.service/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/system.slice/tidewatch.service/memory.max': '4294967296\n',
      '/sys/fs/cgroup/system.slice/cpu.max': '150000 100000\n',
      '/sys/fs/cgroup/system.slice/memory.max': '8589934592\n',
      '/sys/fs/cgroup/system.slice/tidewatch.service/cpu.stat': 'usage_usec 5\nthrottled_usec 2500000\n',
    });
    expect(readLimits(read, machine)).toEqual({ cores: 1.5, memoryBytes: 4294967296, source: 'cgroup' });
    expect(readThrottledSeconds(read)).toBe(2.5);
  });

  it('finds the limits of a container whose path is the host’s', () => {
    const read = tree({
      '/proc/self/cgroup': '0::/../../docker/abc\n',
      '/sys/fs/cgroup/cpu.max': '50000 100000\n',
      '/sys/fs/cgroup/memory.max': '536870912\n',
    });
    expect(readLimits(read, machine)).toEqual({ cores: 0.5, memoryBytes: 536870912, source: 'cgroup' });
  });

  it('reads v1, where every controller has a path of its own', () => {
    const read = tree({
      '/proc/self/cgroup': '4:memory:/limited\n2:cpuacct:/\n1:cpu:/\n0::/\n',
      '/sys/fs/cgroup/memory/limited/memory.limit_in_bytes': '1073741824\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/cpu/cpu.stat': 'nr_periods 0\nthrottled_time 1000000000\n',
    });
    expect(readLimits(read, machine)).toEqual({ cores: 8, memoryBytes: 1073741824, source: 'cgroup' });
    expect(readThrottledSeconds(read)).toBe(1);
  });
});
