import { batchStatistics } from '../../kernel/batch-statistics.js';
import { StreamWindow } from '../../kernel/stream-window.js';
import { FIGURE, figureCount, figureNames } from '../../kernel/window-statistics.js';
import { type Annualisation, type FiguresBody, figuresBody, formulaVersion } from '../figures-body.js';

/** A validated request. */
export interface ComputeTask {
  readonly values: Float64Array;
  /** Most values per window. */
  readonly window: number;
  /** Counts at which to answer, ascending. */
  readonly at: readonly number[];
  readonly mode: 'stream' | 'batch';
  readonly annualisation: Annualisation;
}

export interface ComputeAnswer extends FiguresBody {
  readonly mode: 'stream' | 'batch';
  /** Values given. */
  readonly count: number;
  /** One entry per count asked for; the fields beside this list are those of the last. */
  readonly results: readonly (FiguresBody & { readonly at: number })[];
  readonly formula_version: string;
}

const lambda = 0.94;

/** `stream` pushes the values through the window of the live engine; `batch` recomputes each answer from its slice. */
export function runComputeTask(task: ComputeTask): ComputeAnswer {
  const results = task.mode === 'stream' ? streamed(task) : recomputed(task);
  const { at: _, ...last } = results[results.length - 1]!;
  return { mode: task.mode, count: task.values.length, ...last, results, formula_version: formulaVersion };
}

type Entry = FiguresBody & { readonly at: number };

function streamed({ values, window: capacity, at, annualisation }: ComputeTask): Entry[] {
  const window = new StreamWindow({ capacity, lambda });
  const figures = new Float64Array(figureCount);
  let pushed = 0;
  return at.map((count) => {
    for (; pushed < count; pushed++) window.push(values[pushed]!);
    window.readInto(figures, annualisation.periodsPerYear);
    return { at: count, ...figuresBody(figures, capacity, lambda, annualisation) };
  });
}

function recomputed({ values, window: capacity, at, annualisation }: ComputeTask): Entry[] {
  const figures = new Float64Array(figureCount);
  return at.map((count) => {
    const slice = values.subarray(Math.max(0, count - capacity), count);
    const statistics = batchStatistics(slice, { lambda, periodsPerYear: annualisation.periodsPerYear });
    figures[FIGURE.count] = statistics.count;
    for (const name of figureNames) figures[FIGURE[name]] = statistics[name] ?? Number.NaN;
    return { at: count, ...figuresBody(figures, capacity, lambda, annualisation) };
  });
}
