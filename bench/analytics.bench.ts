import { accuracy } from './analytics/accuracy.js';
import { engineThroughput } from './analytics/engine-throughput.js';
import { pipeline } from './analytics/pipeline.js';
import { tickToPublish } from './analytics/tick-to-publish.js';
import { windowCost } from './analytics/window-cost.js';

/**
 * Streaming analytics: time per value at four window sizes beside the C++ two-stack reference and a numpy recompute,
 * accuracy against exact arithmetic, the engine with 10,000 portfolios, and latency from tick to publication.
 * @param args `--quick` for a run that only shows that it works; `window`, `accuracy`, `engine`, `latency`, `pipeline` for parts,
 *   a number of portfolios for that scenario of the pipeline alone
 */
export async function run(args: string[]): Promise<void> {
  const quick = args.includes('--quick');
  const parts = args.filter((arg) => !arg.startsWith('--'));
  const wanted = (part: string): boolean => parts.length === 0 || parts.includes(part);
  if (wanted('window')) await windowCost(100_000, quick ? 3 : 40);
  if (wanted('accuracy')) accuracy(quick ? 700 : 3_000);
  if (wanted('engine')) engineThroughput(quick ? 20_000 : 200_000);
  if (wanted('latency')) await tickToPublish(quick ? 1 : 5);
  if (wanted('pipeline'))
    await pipeline(
      quick ? 1 : 8,
      parts.find((part) => /^\d+$/.test(part)),
    );
}
