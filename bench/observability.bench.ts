import { observationCost } from './observability/observation-cost.js';
import { onOff, parts } from './observability/on-off.js';
import { scrapeCost } from './observability/scrape-cost.js';

/**
 * The cost of watching: one observation, one scrape, and the CPU of ingest and broadcast with metrics, collectors and
 * traces on and off.
 * @param args a section's name (`observation`, `scrape`, `on-off`) for it alone; `--quick` for a run that only shows that
 * it works; `--pairs N` per start; `--starts N`; `--parts metrics,traces,collectors,scrapes` for some of the watching,
 * `--parts none` for the bare server against itself
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
    starts: args.includes('--starts') ? number('--starts', 1) : quick ? 1 : 3,
    pairs: args.includes('--pairs') ? number('--pairs', 5) : quick ? 1 : 8,
    subscribers: quick ? 20 : 100,
    parts: new Set(
      args.includes('--parts')
        ? parts.filter((part) => args[args.indexOf('--parts') + 1]?.split(',').includes(part))
        : parts,
    ),
  });
}
