import { kernels } from './risk/kernels.js';
import { loopDelay } from './risk/loop-delay.js';
import { runPeers } from './risk/peers.js';
import { perTick } from './risk/per-tick.js';
import { whatIf } from './risk/what-if.js';

const none = { numpy: new Map<string, number>(), cpp: new Map<string, number>() };

/**
 * Risk: one calculation beside numpy, C++, R and QuantLib; one tick; one pre-trade check; what a socket notices of
 * Monte Carlo.
 * @param args stages by name (`kernels`, `ticks`, `what-if`, `loop`; default all); `--quick` for a run that only shows
 *   that it works; `--no-peers` for ours alone
 */
export async function run(args: string[]): Promise<void> {
  const quick = args.includes('--quick');
  const rounds = quick ? 3 : 15;
  const stages: Readonly<Record<string, () => Promise<void>>> = {
    kernels: async () => kernels(args.includes('--no-peers') ? none : await runPeers(), rounds),
    ticks: async () => perTick(rounds),
    'what-if': () => whatIf(rounds),
    loop: () => loopDelay(quick ? 1 : 8),
  };
  const named = args.filter((arg) => !arg.startsWith('--'));
  for (const name of named) {
    if (stages[name] === undefined)
      throw new Error(`no stage "${name}"; there is ${Object.keys(stages).join(', ')}`);
  }
  for (const [name, stage] of Object.entries(stages)) {
    if (named.length === 0 || named.includes(name)) await stage();
  }
}
