import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const source = resolve('bench/analytics/two-stacks.cpp');
const reference = resolve('../shared/bench/risk/ref_stream.cpp');

/** Which C++ window: nine figures, all of ours, or the reference that lies beside the project (nine figures). */
export type CppKind = '9' | '17' | 'r';

/** Two stacks in C++, compiled now, that wait for slices of work: so that both sides are measured in turns. */
export class CppTwoStacks {
  private readonly answers: AsyncIterator<string>;

  private constructor(
    private readonly child: ChildProcess,
    /** Whether the reference was there to be compiled in. */
    readonly hasReference: boolean,
  ) {
    this.answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  /** @returns why there is none, where there is none */
  static async start(): Promise<CppTwoStacks | string> {
    const folder = mkdtempSync(join(tmpdir(), 'tidewatch-cpp-'));
    const hasReference = existsSync(reference);
    try {
      const binary = join(folder, 'two-stacks');
      const flags = ['-O3', '-march=native', '-std=c++17', '-w'];
      if (hasReference) flags.push(`-DREFERENCE="${reference}"`);
      await run('g++', [...flags, source, '-o', binary], { timeout: 120_000 });
      const child = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] });
      await new Promise((started, failed) => child.once('spawn', started).once('error', failed));
      return new CppTwoStacks(child, hasReference);
    } catch (error) {
      return `g++ is not there or failed: ${(error as Error).message.split('\n')[0]}`;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** CPU ns per value of pushing further values into the window of that kind and size and reading it after each. */
  async slice(kind: CppKind, window: number, values: number): Promise<number> {
    this.child.stdin!.write(`${kind} ${window} ${values}\n`);
    return Number((await this.answers.next()).value);
  }

  stop(): void {
    this.child.stdin!.end();
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
