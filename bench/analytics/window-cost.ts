import { StreamWindow } from '../../src/kernel/stream-window.js';
import { figureCount } from '../../src/kernel/window-statistics.js';
import { median, percentile, processCpuNs, referenceWalk, row } from './measure.js';
import { type CppKind, CppTwoStacks, numpyRecompute } from './peers.js';

const windows = [100, 1_000, 10_000, 100_000];
const flatGoal = 1.3;
const cppGoal = 3;
const numpyGoal = 3_000;
const walkLength = 1_000_000;

type Work = (window: StreamWindow, values: Float64Array, from: number, to: number) => void;

const out = new Float64Array(figureCount);
const works: Readonly<Record<string, Work>> = {
  'push + all 17 figures read': (window, values, from, to) => {
    for (let i = from; i < to; i++) {
      window.push(values[i]!);
      window.readInto(out, 252);
    }
  },
  'push alone': (window, values, from, to) => {
    for (let i = from; i < to; i++) window.push(values[i]!);
  },
  'push + all figures + quantile sketch': (window, values, from, to) => {
    for (let i = from; i < to; i++) {
      window.push(values[i]!);
      window.readInto(out, 252);
      window.quantiles();
    }
  },
};
const all = Object.keys(works)[0]!;

/**
 * Time per value of windows that are full: every figure read after every push, as the C++ windows do. Each round takes a
 * slice of work from every window and every peer in turn, so that what disturbs the machine disturbs all of them; the
 * figures are the medians of the rounds.
 */
export async function windowCost(slice: number, rounds: number): Promise<void> {
  const walk = referenceWalk(walkLength);
  const lines: Line[] = Object.entries(works).flatMap(([name, work]) =>
    windows.map((size) => new OwnLine(name, size, work, walk)),
  );
  const cpp = await CppTwoStacks.start();
  if (typeof cpp === 'string') console.log(`C++ two stacks: not compared, ${cpp}`);
  else {
    if (!cpp.hasReference)
      console.log('the C++ reference is not beside the project: its like from here is used');
    const nine = cpp.hasReference ? 'r' : '9';
    for (const size of windows) {
      lines.push(new CppLine('C++ two stacks, 9 figures read', size, cpp, nine));
      lines.push(new CppLine('C++ two stacks, all 17 figures read', size, cpp, '17'));
    }
  }
  for (const line of lines) await line.warmUp(slice);
  for (let round = 0; round < rounds; round++) {
    for (const line of lines) line.times.push(await line.take(round, slice));
  }
  if (typeof cpp !== 'string') cpp.stop();
  console.log(
    `\nWindow: CPU ns per value, median of ${rounds} rounds of ${slice} values, all lines in turns`,
  );
  row('window', ...windows.map(String));
  for (const name of new Set(lines.map((line) => line.name))) {
    row(name, ...ofName(lines, name).map((line) => median(line.times).toFixed(1)));
  }
  const ours = ofName(lines, all);
  const medians = ours.map((line) => median(line.times));
  const toMean = relative(ours);
  const flat = Math.max(...toMean) / Math.min(...toMean);
  console.log(
    `flat: largest / smallest, each to the mean of its round = ${flat.toFixed(2)} (goal at most ${flatGoal}) ${verdict(flat <= flatGoal)}`,
  );
  compare(ours, ofName(lines, 'C++ two stacks, 9 figures read'), cppGoal);
  compare(ours, ofName(lines, 'C++ two stacks, all 17 figures read'), Number.NaN);
  await againstNumpy(medians[2]!);
  worstUpdate(walk);
}

/** One window of one side; its times round by round. */
abstract class Line {
  readonly times: number[] = [];
  constructor(
    readonly name: string,
    readonly size: number,
  ) {}
  abstract warmUp(slice: number): Promise<unknown>;
  /** @returns CPU ns per value of the next slice */
  abstract take(round: number, slice: number): Promise<number>;
}

class OwnLine extends Line {
  private readonly window: StreamWindow;
  constructor(
    name: string,
    size: number,
    private readonly work: Work,
    private readonly walk: Float64Array,
  ) {
    super(name, size);
    this.window = new StreamWindow({ capacity: size });
  }

  async warmUp(slice: number): Promise<void> {
    this.work(this.window, this.walk, 0, Math.min(walkLength, Math.max(2 * this.size, slice)));
  }

  async take(round: number, slice: number): Promise<number> {
    const from = (round * slice) % (walkLength - slice + 1);
    const before = processCpuNs();
    this.work(this.window, this.walk, from, from + slice);
    return (processCpuNs() - before) / slice;
  }
}

class CppLine extends Line {
  constructor(
    name: string,
    size: number,
    private readonly cpp: CppTwoStacks,
    private readonly kind: CppKind,
  ) {
    super(name, size);
  }

  warmUp(slice: number): Promise<number> {
    return this.cpp.slice(this.kind, this.size, Math.max(2 * this.size, slice));
  }

  take(_: number, slice: number): Promise<number> {
    return this.cpp.slice(this.kind, this.size, slice);
  }
}

const ofName = (lines: readonly Line[], name: string): Line[] => lines.filter((line) => line.name === name);

/** Each line's time to the mean of all lines of its round: medians of the rounds, so that a slow round makes none slower. */
function relative(lines: readonly Line[]): number[] {
  const means = lines[0]!.times.map(
    (_, round) => lines.reduce((sum, { times }) => sum + times[round]!, 0) / lines.length,
  );
  return lines.map(({ times }) => median(times.map((ns, round) => ns / means[round]!)));
}

/** Ratios round by round, and their medians. */
function compare(ours: readonly Line[], theirs: readonly Line[], goal: number): void {
  if (theirs.length === 0) return;
  const ratios = ours.map((line, i) => median(line.times.map((ns, round) => ns / theirs[i]!.times[round]!)));
  row(`ours to ${theirs[0]!.name}`, ...ratios.map((ratio) => ratio.toFixed(2)));
  if (Number.isNaN(goal)) return;
  const worst = Math.max(...ratios);
  console.log(`worst ratio ${worst.toFixed(2)} (goal at most ${goal}) ${verdict(worst <= goal)}`);
}

async function againstNumpy(ownNs: number): Promise<void> {
  const numpy = await numpyRecompute();
  if (typeof numpy === 'string') {
    console.log(`numpy recompute: not compared, ${numpy}`);
    return;
  }
  const times = numpy.ns / ownNs;
  console.log(
    `numpy ${numpy.version} recompute, window 10,000: ${(numpy.ns / 1e3).toFixed(0)} µs per value, ` +
      `${Math.round(times)} times ours (goal at least ${numpyGoal}) ${verdict(times >= numpyGoal)}`,
  );
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
