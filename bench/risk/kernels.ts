import { cholesky } from '../../src/kernel/cholesky.js';
import { covarianceMatrix } from '../../src/kernel/covariance-matrix.js';
import { ellipticalComponents } from '../../src/kernel/elliptical-components.js';
import { tailInPlace } from '../../src/kernel/empirical-tail.js';
import { mean } from '../../src/kernel/mean.js';
import { normalQuantile } from '../../src/kernel/normal-quantile.js';
import { parametricExpectedShortfall } from '../../src/kernel/parametric-expected-shortfall.js';
import { parametricVar } from '../../src/kernel/parametric-var.js';
import { portfolioReturns } from '../../src/kernel/portfolio-returns.js';
import { simulatePaths } from '../../src/kernel/simulate-paths.js';
import { standardDeviation } from '../../src/kernel/standard-deviation.js';
import { medianCpuMs, noise } from './cpu-time.js';
import type { Peers } from './peers.js';

interface Row {
  readonly what: string;
  readonly ms: number;
  readonly goalMs: number;
  readonly numpy: string;
  readonly cpp: string | null;
}

/** CPU time of one calculation, beside numpy and C++ on the same machine in the same run. */
export function kernels(peers: Peers, rounds: number): void {
  const [assets, days, pathCount, simulated] = [500, 1000, 100_000, 50];
  const returns = Array.from({ length: assets }, (_, i) => noise(days, i + 1).map((x) => x * 0.01));
  const weights = new Float64Array(assets).fill(1 / assets);
  const few = returns.slice(0, simulated);
  const spec = {
    factor: cholesky(covarianceMatrix(few)),
    means: new Float64Array(simulated),
    exposures: new Float64Array(simulated).fill(1 / simulated),
    horizonDays: 1,
    paths: pathCount,
    seed: 3,
    degreesOfFreedom: null,
    antithetic: false,
  };
  const columns = few.map(() => new Float64Array(pathCount));
  const rows: Row[] = [
    {
      what: 'historical VaR + ES, 500 × 1,000',
      ms: medianCpuMs(() => tailInPlace(portfolioReturns(returns, weights), 0.99), { rounds, calls: 50 }),
      goalMs: 0.6,
      numpy: 'historical VaR+ES 500x1000 (R@w, partition)',
      cpp: 'historical VaR+ES 500x1000',
    },
    {
      what: 'parametric VaR + ES from the same returns',
      ms: medianCpuMs(
        () => {
          const pnl = portfolioReturns(returns, weights);
          const [mu, sigma] = [mean(pnl), standardDeviation(pnl)];
          return parametricVar(mu, sigma, 0.99) + parametricExpectedShortfall(mu, sigma, 0.99);
        },
        { rounds, calls: 50 },
      ),
      goalMs: 0.6,
      numpy: 'parametric VaR without the matrix (std of R@w)',
      cpp: null,
    },
    {
      what: 'parametric VaR, 500 × 500 covariance, components',
      ms: medianCpuMs(
        () =>
          ellipticalComponents(
            weights,
            covarianceMatrix(returns),
            new Float64Array(assets),
            normalQuantile(0.99),
          ),
        { rounds },
      ),
      goalMs: 25,
      numpy: 'parametric VaR + covariance 500x1000 + components',
      cpp: 'parametric VaR + covariance 500x1000',
    },
    {
      what: 'Monte Carlo VaR + ES, 100,000 × 50, full scenarios',
      ms: medianCpuMs(() => tailInPlace(simulatePaths(spec, columns), 0.99), { rounds }),
      goalMs: 80,
      numpy: 'Monte Carlo VaR+ES 100,000 x 50, Cholesky (all)',
      cpp: 'Monte Carlo VaR+ES 100,000 x 50, Cholesky, asset scenarios formed',
    },
    {
      what: 'Monte Carlo VaR + ES, 100,000 × 50, linear shortcut',
      ms: medianCpuMs(() => tailInPlace(simulatePaths(spec), 0.99), { rounds }),
      goalMs: 40,
      numpy: 'Monte Carlo VaR+ES 100,000 x 50, Cholesky (all)',
      cpp: "Monte Carlo VaR+ES 100,000 x 50, linear shortcut (L'w dot z)",
    },
  ];
  console.log('\nOne calculation, CPU ms (ratio: ours ÷ theirs; below 1 we are faster)');
  for (const { what, ms, goalMs, numpy, cpp } of rows) {
    const ratio = (name: string, theirs: number | undefined): string =>
      theirs === undefined ? '' : `  ÷ ${name} ${(ms / theirs).toFixed(2)} (${theirs.toFixed(2)} ms)`;
    const verdict = ms <= goalMs ? 'met' : 'MISSED';
    const beside =
      ratio('numpy', peers.numpy.get(numpy)) + (cpp === null ? '' : ratio('C++', peers.cpp.get(cpp)));
    console.log(`  ${what.padEnd(56)} ${ms.toFixed(3).padStart(8)}   goal ${goalMs} ${verdict}${beside}`);
  }
}
