import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const reference = resolve('../shared/bench/risk/ref_stream.cpp');

/** ns per value of the two-stack reference by window, compiled now; or why there is none. */
export async function cppTwoStacks(): Promise<Map<number, number> | string> {
  if (!existsSync(reference)) return '../shared/bench/risk/ref_stream.cpp is not there';
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-cpp-'));
  try {
    const binary = join(folder, 'ref_stream');
    await run('g++', ['-O3', '-march=native', '-std=c++17', reference, '-o', binary], { timeout: 120_000 });
    const { stdout } = await run(binary, [], { timeout: 120_000 });
    const pattern = /two-stack robust.*window (\d+): median ([\d.]+) ns/g;
    return new Map([...stdout.matchAll(pattern)].map(([, window, ns]) => [Number(window), Number(ns)]));
  } catch (error) {
    return `g++ is not there or failed: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Recomputing every statistic over a deque of 10,000 values for each new one, as a first version in Python would. */
const recompute = `
import collections, statistics, time
import numpy as np
W = 10000
rng = np.random.default_rng(1)
window = collections.deque((100 * np.exp(np.cumsum(rng.standard_normal(W) * 1e-4))).tolist(), maxlen=W)
def update(x):
    window.append(x)
    v = np.array(window)
    tail = v[-20:]
    returns = np.diff(tail) / tail[:-1]
    return (v.mean(), v.std(), v.min(), v.max(), np.polyfit(np.arange(len(v)), v, 1)[0],
            returns.std() * np.sqrt(252), [(v[-1] - v[-p - 1]) / v[-p - 1] for p in (1, 5, 10)])
times = []
for _ in range(7):
    a = time.process_time()
    for i in range(60): update(100 + i)
    times.append((time.process_time() - a) / 60)
print(np.__version__, statistics.median(times) * 1e9)
`;

/** ns per update of recomputing with numpy at window 10,000; or why there is none. */
export async function numpyRecompute(): Promise<{ version: string; ns: number } | string> {
  try {
    const { stdout } = await run('python3', ['-c', recompute], {
      timeout: 120_000,
      env: { ...process.env, OPENBLAS_NUM_THREADS: '1' },
    });
    const [version = '', ns = ''] = stdout.trim().split(' ');
    return { version, ns: Number(ns) };
  } catch (error) {
    return `python3 with numpy is not there: ${(error as Error).message.split('\n')[0]}`;
  }
}
