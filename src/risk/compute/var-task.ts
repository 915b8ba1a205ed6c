import type { PsdRepair } from '../../kernel/cholesky.js';
import { shapeOf } from '../../kernel/cornish-fisher-components.js';
import { cornishFisherTail } from '../../kernel/cornish-fisher-tail.js';
import { type Tail, tailInPlace } from '../../kernel/empirical-tail.js';
import { ewmaVariance } from '../../kernel/ewma-variance.js';
import { mean } from '../../kernel/mean.js';
import { momentScale } from '../../kernel/moment-scale.js';
import { monteCarloVar } from '../../kernel/monte-carlo-var.js';
import { parametricExpectedShortfall } from '../../kernel/parametric-expected-shortfall.js';
import { parametricVar } from '../../kernel/parametric-var.js';
import { portfolioReturns } from '../../kernel/portfolio-returns.js';
import { repairCovariance } from '../../kernel/repair-covariance.js';
import { standardDeviation } from '../../kernel/standard-deviation.js';
import { studentTTail } from '../../kernel/student-t-tail.js';
import { dot, quadraticForm, type SymmetricMatrix } from '../../kernel/symmetric-matrix.js';
import { estimateCovariance } from './estimate-covariance.js';
import { type ReturnPanel, seriesOf } from './return-panel.js';
import { defaultDegreesOfFreedom, type VarMethod, type VarOptions } from './var-options.js';

export interface VarTask {
  readonly kind: 'var';
  /** A history, or … */
  readonly panel: ReturnPanel | null;
  /** … a covariance of one-day returns with their means (`null`: 0). */
  readonly covariance: SymmetricMatrix | null;
  readonly means: Float64Array | null;
  /** Money or weight per asset. */
  readonly exposures: Float64Array;
  readonly method: VarMethod;
  readonly confidence: number;
  readonly horizonDays: number;
  readonly options: VarOptions;
}

/** Figures of one VaR, losses positive, in the unit of the exposures. */
export interface VarFigures extends Tail {
  /** One-day mean and deviation that the figure rests on; `null` where the method uses none. */
  readonly mean: number | null;
  readonly standardDeviation: number | null;
  readonly standardError: number | null;
  /** From paths: a standard error belongs to it, and where there is none a reason. */
  readonly simulated: boolean;
  readonly repair: PsdRepair | null;
  readonly shrinkage: number | null;
  readonly skewness: number | null;
  readonly excessKurtosis: number | null;
  readonly degreesOfFreedom: number | null;
  /** False where the method's own validity condition fails; the reason says which. */
  readonly valid: boolean;
  readonly reason: string | null;
}

const none = {
  mean: null,
  standardDeviation: null,
  standardError: null,
  simulated: false,
  repair: null,
  shrinkage: null,
  skewness: null,
  excessKurtosis: null,
  degreesOfFreedom: null,
  valid: true,
  reason: null,
} as const;

/**
 * @throws RangeError when the method has no answer for the input: no history, too few observations, non-finite
 * values
 */
export function runVarTask(task: VarTask): VarFigures {
  const { exposures, unit } = scaledExposures(task.exposures);
  const figures = unit === 1 ? figuresOf(task) : inUnits(figuresOf({ ...task, exposures }), unit);
  requireInRange([figures.var, figures.expectedShortfall]);
  requireInRange([figures.mean ?? 0, figures.standardDeviation ?? 0, figures.standardError ?? 0]);
  return figures;
}

/**
 * Exposures in a unit in which the smallest do not vanish when they are squared. VaR is homogeneous of degree 1 in
 * them, and dividing by a power of two is exact.
 */
export function scaledExposures(exposures: Float64Array): { exposures: Float64Array; unit: number } {
  const unit = momentScale(exposures);
  return unit === 1 ? { exposures, unit } : { exposures: exposures.map((e) => e / unit), unit };
}

function inUnits(figures: VarFigures, unit: number): VarFigures {
  const times = (x: number | null): number | null => (x === null ? null : x * unit);
  return {
    ...figures,
    var: figures.var * unit,
    expectedShortfall: figures.expectedShortfall * unit,
    mean: times(figures.mean),
    standardDeviation: times(figures.standardDeviation),
    standardError: times(figures.standardError),
  };
}

/** @throws RangeError on an infinity or NaN: finite inputs whose products are beyond the range of a double */
export function requireInRange(values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw new RangeError('the figures are beyond the range of numbers');
  }
}

function figuresOf(task: VarTask): VarFigures {
  switch (task.method) {
    case 'historical':
      return historical(task);
    case 'cornish_fisher':
      return cornishFisher(task);
    case 'monte_carlo':
      return monteCarlo(task);
    default:
      return closedForm(task);
  }
}

function pnlOf(task: VarTask): Float64Array {
  if (task.panel === null) throw new RangeError(`${task.method} needs a history of returns or prices`);
  return portfolioReturns(seriesOf(task.panel), task.exposures);
}

function historical(task: VarTask): VarFigures {
  const pnl = pnlOf(task);
  const { quantileType, shortfall } = task.options;
  const tail = tailInPlace(pnl, task.confidence, { quantileType, shortfall });
  const scale = Math.sqrt(task.horizonDays);
  return { ...none, var: tail.var * scale, expectedShortfall: tail.expectedShortfall * scale };
}

function cornishFisher(task: VarTask): VarFigures {
  const shape = shapeOf(pnlOf(task), task.options.ddof);
  const used = task.options.mean === 'zero' ? { ...shape, mean: 0 } : shape;
  return { ...none, ...used, ...cornishFisherTail(used, task.confidence, task.horizonDays) };
}

/** Mean and deviation of the portfolio's one-day P&L by the method's estimator. */
export function locationScale(task: Omit<VarTask, 'kind' | 'confidence' | 'horizonDays'>): {
  mean: number;
  standardDeviation: number;
  shrinkage: number | null;
  /** Of a covariance that was given; estimates need none. */
  repair: PsdRepair | null;
} {
  const { panel, covariance, means, exposures, method, options } = task;
  if (covariance !== null) {
    const drift = means === null || options.mean === 'zero' ? 0 : dot(means, exposures);
    const { matrix, repair } = repairCovariance(covariance);
    return {
      mean: drift,
      standardDeviation: Math.sqrt(quadraticForm(matrix, exposures)),
      shrinkage: null,
      repair,
    };
  }
  if (panel === null) throw new RangeError(`${method} needs a history or a covariance`);
  const series = seriesOf(panel);
  // Without shrinkage the deviation of the portfolio's own returns is √(w′Σw), with no matrix to build.
  const pnl = portfolioReturns(series, exposures);
  if (method === 'ewma') {
    const sigma = Math.sqrt(ewmaVariance(pnl, options.lambda));
    return { mean: 0, standardDeviation: sigma, shrinkage: null, repair: null };
  }
  const drift = options.mean === 'zero' ? 0 : mean(pnl);
  if (options.shrinkage === 'none') {
    return {
      mean: drift,
      standardDeviation: standardDeviation(pnl, options.ddof),
      shrinkage: null,
      repair: null,
    };
  }
  const { matrix, shrinkage } = estimateCovariance(series, { estimator: 'ledoit_wolf', ddof: 0, lambda: 0 });
  return {
    mean: drift,
    standardDeviation: Math.sqrt(quadraticForm(matrix, exposures)),
    shrinkage,
    repair: null,
  };
}

function closedForm(task: VarTask): VarFigures {
  const { confidence, horizonDays, method, options } = task;
  const moments = locationScale(task);
  const { mean: mu, standardDeviation: sigma } = moments;
  if (method === 'student_t') {
    const degreesOfFreedom = options.df ?? defaultDegreesOfFreedom;
    return {
      ...none,
      ...moments,
      degreesOfFreedom,
      ...studentTTail(mu, sigma, degreesOfFreedom, confidence, horizonDays),
    };
  }
  return {
    ...none,
    ...moments,
    var: parametricVar(mu, sigma, confidence, horizonDays),
    expectedShortfall: parametricExpectedShortfall(mu, sigma, confidence, horizonDays),
  };
}

/** Covariance and means that Monte Carlo and the components simulate and derive from. */
export function jointModel(task: Pick<VarTask, 'panel' | 'covariance' | 'means' | 'options' | 'method'>): {
  covariance: SymmetricMatrix;
  means: Float64Array;
  shrinkage: number | null;
} {
  const { panel, covariance, options, method } = task;
  if (covariance !== null) {
    const means = options.mean === 'zero' ? null : task.means;
    return { covariance, means: means ?? new Float64Array(covariance.size), shrinkage: null };
  }
  if (panel === null) throw new RangeError(`${method} needs a history or a covariance`);
  const series = seriesOf(panel);
  const zeroMean = options.mean === 'zero' || method === 'ewma';
  const means = Float64Array.from(series, (x) => (zeroMean ? 0 : mean(x)));
  const shrunk = options.shrinkage === 'ledoit_wolf' ? 'ledoit_wolf' : 'sample';
  const { matrix, shrinkage } = estimateCovariance(series, {
    estimator: method === 'ewma' ? 'ewma' : shrunk,
    ddof: options.ddof,
    lambda: options.lambda,
  });
  return { covariance: matrix, means, shrinkage };
}

function monteCarlo(task: VarTask): VarFigures {
  const { exposures, confidence, horizonDays, options } = task;
  const { covariance, means, shrinkage } = jointModel(task);
  const result = monteCarloVar({
    covariance,
    means,
    exposures,
    confidence,
    horizonDays,
    paths: options.paths,
    seed: options.seed,
    antithetic: options.antithetic,
    sampling: options.sampling,
    degreesOfFreedom: options.df,
    tail: { quantileType: options.quantileType, shortfall: options.shortfall },
  });
  const { matrix } =
    result.repair === 'clipped_eigenvalues' ? repairCovariance(covariance) : { matrix: covariance };
  return {
    ...none,
    mean: dot(means, exposures),
    standardDeviation: Math.sqrt(quadraticForm(matrix, exposures)),
    shrinkage,
    degreesOfFreedom: options.df,
    var: result.var,
    expectedShortfall: result.expectedShortfall,
    standardError: result.standardError,
    simulated: true,
    repair: result.repair,
  };
}
