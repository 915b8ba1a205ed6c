import { observationCost } from './observability/observation-cost.js';
import { onOff } from './observability/on-off.js';
import { scrapeCost } from './observability/scrape-cost.js';

/**
 * The cost of watching: one observation, one scrape, and the CPU of ingest and broadcast with metrics, collectors and
 * traces on and off.
 * @param args `--quick` for a run that only shows that it works; `--pairs N` for how many on/off pairs
 */
export async function run(args: string[]): Promise<void> {
  const quick = args.includes('--quick');
  const pairs = Number(args[args.indexOf('--pairs') + 1]) || (quick ? 1 : 5);
  observationCost();
  await scrapeCost();
  const scale = quick ? 0.2 : 1;
  await onOff({ pairs, ticks: 200_000 * scale, messages: 20_000 * scale, subscribers: quick ? 20 : 100 });
}
