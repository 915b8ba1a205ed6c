import { kernels } from './risk/kernels.js';
import { loopDelay } from './risk/loop-delay.js';
import { runPeers } from './risk/peers.js';
import { perTick } from './risk/per-tick.js';

/**
 * Risk: one calculation beside numpy, C++, R and QuantLib; one tick; what a socket notices of Monte Carlo.
 * @param args `--quick` for a run that only shows that it works; `--no-peers` for ours alone
 */
export async function run(args: string[]): Promise<void> {
  const quick = args.includes('--quick');
  const none = { numpy: new Map<string, number>(), cpp: new Map<string, number>() };
  const peers = args.includes('--no-peers') ? none : await runPeers();
  kernels(peers, quick ? 3 : 15);
  perTick(quick ? 3 : 15);
  await loopDelay(quick ? 1 : 8);
}
