import { observationCost } from './observability/observation-cost.js';
import { onOff } from './observability/on-off.js';
import { scrapeCost } from './observability/scrape-cost.js';

/**
 * The cost of watching: one observation, one scrape, and the CPU of ingest and broadcast with metrics, collectors and
 * traces on and off.
 * @param args a section's name (`observation`, `scrape`, `on-off`) for it alone; `--quick` for a run that only shows that
 * it works; `--starts N`; `--rounds N` per start
 */
export async function run(args: string[]): Promise<void> {
  const quick = args.includes('--quick');
  const number = (flag: string, otherwise: number) => Number(args[args.indexOf(flag) + 1]) || otherwise;
  const wanted = ['observation', 'scrape', 'on-off'].filter((section) => args.includes(section));
  const wants = (section: string) => wanted.length === 0 || wanted.includes(section);
  if (wants('observation')) observationCost();
  if (wants('scrape')) await scrapeCost();
  if (!wants('on-off')) return;
  await onOff({
    starts: args.includes('--starts') ? number('--starts', 1) : quick ? 1 : 4,
    rounds: args.includes('--rounds') ? number('--rounds', 100) : quick ? 10 : 100,
    subscribers: quick ? 20 : 1_000,
    idleMs: quick ? 2_000 : 5_000,
  });
}
