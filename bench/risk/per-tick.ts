import { ScenarioMemory } from '../../src/kernel/wasm/scenario-memory.js';
import { ParametricState } from '../../src/risk/live/parametric-state.js';
import { ScenarioState } from '../../src/risk/live/scenario-state.js';
import { SharedColumns } from '../../src/risk/live/scenario-sums.js';
import { medianCpuMs, noise } from './cpu-time.js';

/** A tick: one exposure changes, the state follows, VaR and ES at 99 % are read. */
export function perTick(rounds: number): void {
  const confidences = [0.99];
  const series = (assets: number, rows: number) =>
    Array.from({ length: assets }, (_, i) => noise(rows, i + 7).map((x) => x * 0.01));
  let tick = 0;
  function run(state: ParametricState | ScenarioState, exposures: Float64Array, calls: number): number {
    const one = (): number => {
      const asset = tick++ % exposures.length;
      const change = exposures[asset]! * 0.0004 * Math.sin(tick);
      exposures[asset] = exposures[asset]! + change;
      state.apply(asset, change);
      return state.tails()[0]!.var;
    };
    return medianCpuMs(one, { rounds, calls, warmUp: 2 }) * 1000;
  }
  const money = (assets: number) => new Float64Array(assets).fill(10_000);
  const rows: [string, number, number][] = [];
  {
    const exposures = money(500);
    const state = new ParametricState(series(500, 600), exposures, confidences);
    rows.push(['parametric, 500 assets', run(state, exposures, 5_000), 5]);
  }
  {
    const exposures = money(100);
    const state = new ScenarioState(new SharedColumns(series(100, 1_000)), exposures, confidences);
    rows.push(['historical, 1,000 scenarios', run(state, exposures, 5_000), 20]);
  }
  {
    const exposures = money(20);
    const paths = new ScenarioMemory(20, 100_000);
    series(20, 100_000).forEach((column, i) => {
      paths.returns.set(column, i * 100_000);
    });
    const state = new ScenarioState(paths, exposures, confidences);
    rows.push(['Monte Carlo, 100,000 paths', run(state, exposures, 40), 1_500]);
  }
  console.log('\nOne tick, exposure changed and VaR + ES read, CPU µs');
  for (const [what, us, goal] of rows) {
    console.log(
      `  ${what.padEnd(56)} ${us.toFixed(2).padStart(8)}   goal ${goal} ${us <= goal ? 'met' : 'MISSED'}`,
    );
  }
}
