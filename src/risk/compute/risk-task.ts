import { type ComponentFigures, type ComponentsTask, runComponentsTask } from './components-task.js';
import { type CovarianceFigures, type CovarianceTask, runCovarianceTask } from './covariance-task.js';
import { type PathsTask, runPathsTask } from './paths-task.js';
import {
  type RollingBacktest,
  type RollingBacktestTask,
  runRollingBacktest,
} from './rolling-backtest-task.js';
import { runVarTask, type VarFigures, type VarTask } from './var-task.js';

/** Everything that may run on a worker thread: plain data in, plain data out. */
export interface RiskTasks {
  var: { task: VarTask; result: VarFigures };
  components: { task: ComponentsTask; result: ComponentFigures };
  covariance: { task: CovarianceTask; result: CovarianceFigures };
  rolling_backtest: { task: RollingBacktestTask; result: RollingBacktest };
  paths: { task: PathsTask; result: ReturnType<typeof runPathsTask> };
}
export type RiskTaskKind = keyof RiskTasks;
export type RiskTask = RiskTasks[RiskTaskKind]['task'];
export type ResultOf<T extends RiskTask> = RiskTasks[T['kind']]['result'];

/** @throws RangeError when the task has no answer; its message is for the client */
export function runRiskTask<T extends RiskTask>(task: T): ResultOf<T> {
  return run(task) as ResultOf<T>;
}

function run(task: RiskTask): RiskTasks[RiskTaskKind]['result'] {
  switch (task.kind) {
    case 'var':
      return runVarTask(task);
    case 'components':
      return runComponentsTask(task);
    case 'covariance':
      return runCovarianceTask(task);
    case 'rolling_backtest':
      return runRollingBacktest(task);
    case 'paths':
      return runPathsTask(task);
  }
}

/** Roughly how many floating-point operations a task takes: what decides where it runs. */
export function operationsOf(task: RiskTask): number {
  switch (task.kind) {
    case 'var':
    case 'components': {
      const assets = task.exposures.length;
      const observations = task.panel?.observations ?? 0;
      // A Sobol point costs an inverse distribution function per asset in place of half a Box-Muller pair.
      const perAsset = task.options.sampling === 'sobol' ? 60 : 20;
      const simulated = task.method === 'monte_carlo' ? task.options.paths * (perAsset * assets + 50) : 0;
      const matrix =
        task.kind === 'components' || simulated > 0 || task.options.shrinkage !== 'none'
          ? assets * assets * (observations + assets)
          : 0;
      const factor = task.covariance === null ? 0 : assets ** 3;
      const leaveOut = task.kind === 'components' ? assets * observations * 20 : 0;
      return 2 * assets * observations + simulated + matrix + factor + leaveOut;
    }
    case 'covariance':
      return task.panel.assets ** 2 * (task.panel.observations + 10 * task.panel.assets);
    case 'rolling_backtest':
      return Math.max(0, task.pnl.length - task.window) * task.window * 5;
    case 'paths':
      return task.into.assets * task.into.observations * (20 + task.into.assets);
  }
}
