import { cholesky } from '../../kernel/cholesky.js';
import { cornishFisherComponents } from '../../kernel/cornish-fisher-components.js';
import { ellipticalComponents } from '../../kernel/elliptical-components.js';
import { empiricalComponents } from '../../kernel/empirical-components.js';
import { normalQuantile } from '../../kernel/normal-quantile.js';
import { quantileStandardError } from '../../kernel/quantile-standard-error.js';
import { replicateStandardError } from '../../kernel/replicate-standard-error.js';
import { simulatePaths } from '../../kernel/simulate-paths.js';
import { sobolReplicates } from '../../kernel/sobol-normals.js';
import { scaledTTail } from '../../kernel/student-t-tail.js';
import { tailProbability } from '../../kernel/tail-probability.js';
import type { VarComponents } from '../../kernel/var-components.js';
import { seriesOf } from './return-panel.js';
import { defaultDegreesOfFreedom } from './var-options.js';
import { jointModel, requireInRange, scaledExposures, type VarTask } from './var-task.js';

export interface ComponentsTask extends Omit<VarTask, 'kind'> {
  readonly kind: 'components';
}

export interface ComponentFigures extends VarComponents {
  /** Of the total, where it is simulated and enough paths lie beyond the quantile. */
  readonly standardError: number | null;
}

/** @throws RangeError as `runVarTask` */
export function runComponentsTask(task: ComponentsTask): ComponentFigures {
  const { exposures, unit } = scaledExposures(task.exposures);
  const scaled = componentsOf(unit === 1 ? task : { ...task, exposures });
  const components = unit === 1 ? scaled : inUnits(scaled, unit);
  requireInRange([components.total]);
  requireInRange(components.marginal);
  requireInRange(components.component);
  requireInRange(components.incremental);
  return components;
}

/** A marginal is per unit of exposure, and stays. */
function inUnits(of: ComponentFigures, unit: number): ComponentFigures {
  const { total, marginal, component, incremental, standardError } = of;
  const times = (values: Float64Array): Float64Array => values.map((x) => x * unit);
  return {
    total: total * unit,
    marginal,
    component: times(component),
    incremental: times(incremental),
    standardError: standardError === null ? null : standardError * unit,
  };
}

function componentsOf(task: ComponentsTask): ComponentFigures {
  switch (task.method) {
    case 'historical':
      return { ...historical(task), standardError: null };
    case 'cornish_fisher':
      return { ...cornishFisher(task), standardError: null };
    case 'monte_carlo':
      return monteCarlo(task);
    default:
      return { ...elliptical(task), standardError: null };
  }
}

function elliptical(task: ComponentsTask): VarComponents {
  const { covariance, means } = jointModel(task);
  const multiplier =
    task.method === 'student_t'
      ? scaledTTail(task.options.df ?? defaultDegreesOfFreedom, task.confidence).quantile
      : -normalQuantile(tailProbability(task.confidence));
  return ellipticalComponents(task.exposures, covariance, means, multiplier, task.horizonDays);
}

function historical(task: ComponentsTask): VarComponents {
  if (task.panel === null) throw new RangeError('historical needs a history of returns or prices');
  const one = empiricalComponents(
    seriesOf(task.panel),
    task.exposures,
    task.confidence,
    task.options.quantileType,
  );
  const scale = Math.sqrt(task.horizonDays);
  return {
    total: one.total * scale,
    marginal: one.marginal.map((x) => x * scale),
    component: one.component.map((x) => x * scale),
    incremental: one.incremental.map((x) => x * scale),
  };
}

function cornishFisher(task: ComponentsTask): VarComponents {
  if (task.panel === null) throw new RangeError('cornish_fisher needs a history of returns or prices');
  if (task.options.mean === 'zero') {
    throw new RangeError(
      'components of cornish_fisher are defined with the sample mean; leave mean at "sample"',
    );
  }
  const { horizonDays, options } = task;
  return cornishFisherComponents(seriesOf(task.panel), task.exposures, task.confidence, {
    horizonDays,
    ddof: options.ddof,
  });
}

/** Tail scenarios on either side of VaR that a component is averaged over: one alone is mostly noise. */
const smoothingShare = 0.1;

function monteCarlo(task: ComponentsTask): ComponentFigures {
  const { covariance, means } = jointModel(task);
  const { options, exposures, horizonDays, confidence } = task;
  const returns = Array.from({ length: covariance.size }, () => new Float64Array(options.paths));
  const pnl = simulatePaths(
    {
      factor: cholesky(covariance),
      means,
      exposures,
      horizonDays,
      paths: options.paths,
      seed: options.seed,
      degreesOfFreedom: options.df,
      antithetic: options.antithetic,
      sampling: options.sampling,
    },
    returns,
  );
  const smoothing = Math.floor(options.paths * tailProbability(confidence) * smoothingShare);
  return {
    ...empiricalComponents(returns, exposures, confidence, options.quantileType, smoothing),
    standardError:
      options.sampling === 'sobol'
        ? replicateStandardError(pnl, confidence, sobolReplicates)
        : quantileStandardError(pnl, confidence, options.antithetic),
  };
}
