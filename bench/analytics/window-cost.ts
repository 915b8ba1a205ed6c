import { StreamWindow } from '../../src/kernel/stream-window.js';
import { figureCount } from '../../src/kernel/window-statistics.js';
import { median, percentile, referenceWalk, row, threadCpuNs } from './measure.js';
import { cppTwoStacks, numpyRecompute } from './peers.js';

const windows = [100, 1_000, 10_000, 100_000];
const flatGoal = 1.3;
const cppGoal = 3;
const numpyGoal = 3_000;

/** Time per value: every figure read after every push, as the C++ reference does; then with the quantile sketch. */
export async function windowCost(values: number, rounds: number): Promise<void> {
  const walk = referenceWalk(values);
  const out = new Float64Array(figureCount);
  const read = (window: StreamWindow): void => {
    for (let i = 0; i < walk.length; i++) {
      window.push(walk[i]!);
      window.readInto(out, 252);
    }
  };
  const pushOnly = (window: StreamWindow): void => {
    for (let i = 0; i < walk.length; i++) window.push(walk[i]!);
  };
  const sketched = (window: StreamWindow): void => {
    for (let i = 0; i < walk.length; i++) {
      window.push(walk[i]!);
      window.readInto(out, 252);
      window.quantiles();
    }
  };
  const time = (work: (window: StreamWindow) => void, capacity: number): number => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const window = new StreamWindow({ capacity });
      const before = threadCpuNs();
      work(window);
      times.push((threadCpuNs() - before) / walk.length);
    }
    return median(times);
  };
  for (const work of [read, pushOnly, sketched]) for (let i = 0; i < 2; i++) time(work, 1_000);

  console.log(`\nWindow: ${walk.length} values, median of ${rounds}, CPU ns per value`);
  row('window', ...windows.map(String));
  const all = windows.map((capacity) => time(read, capacity));
  row('push + all 17 figures read', ...all.map((ns) => ns.toFixed(1)));
  row('push alone', ...windows.map((capacity) => time(pushOnly, capacity).toFixed(1)));
  row(
    'push + all figures + quantile sketch',
    ...windows.map((capacity) => time(sketched, capacity).toFixed(1)),
  );
  const flat = Math.max(...all) / Math.min(...all);
  console.log(
    `flat: largest / smallest = ${flat.toFixed(2)} (goal at most ${flatGoal}) ${verdict(flat <= flatGoal)}`,
  );
  await against(all);
  worstUpdate(walk);
}

async function against(all: readonly number[]): Promise<void> {
  const cpp = await cppTwoStacks();
  if (typeof cpp === 'string') console.log(`C++ two stacks: not compared, ${cpp}`);
  else {
    row('C++ two stacks, 9 figures read', ...windows.map((w) => cpp.get(w)?.toFixed(1) ?? '–'));
    const ratios = windows.map((w, i) => all[i]! / (cpp.get(w) ?? Number.NaN));
    row('ratio to C++', ...ratios.map((r) => (Number.isNaN(r) ? '–' : r.toFixed(2))));
    const worst = Math.max(...ratios.filter((r) => !Number.isNaN(r)));
    console.log(`worst ratio ${worst.toFixed(2)} (goal at most ${cppGoal}) ${verdict(worst <= cppGoal)}`);
  }
  const numpy = await numpyRecompute();
  if (typeof numpy === 'string') console.log(`numpy recompute: not compared, ${numpy}`);
  else {
    const times = numpy.ns / all[2]!;
    console.log(
      `numpy ${numpy.version} recompute, window 10,000: ${(numpy.ns / 1e3).toFixed(0)} µs per value, ` +
        `${Math.round(times)} times ours (goal at least ${numpyGoal}) ${verdict(times >= numpyGoal)}`,
    );
  }
}

/** The longest single updates: where an amortised structure turns over its window, this one must not. */
function worstUpdate(walk: Float64Array): void {
  const window = new StreamWindow({ capacity: 100_000 });
  const times: number[] = [];
  for (let i = 0; i < walk.length; i++) {
    const before = process.hrtime.bigint();
    window.push(walk[i]!);
    if (i >= 200_000) times.push(Number(process.hrtime.bigint() - before));
  }
  const us = (q: number): string => `${(percentile(times, q) / 1e3).toFixed(2)} µs`;
  console.log(
    `single push at window 100,000 (wall, clock included): p50 ${us(0.5)}, p99.9 ${us(0.999)}, p99.99 ${us(0.9999)}`,
  );
}

const verdict = (reached: boolean): string => (reached ? 'reached' : 'MISSED');
