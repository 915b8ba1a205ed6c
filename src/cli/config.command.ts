import type { Command } from 'commander';
import { configOf } from './command.js';

export function register(program: Command): void {
  program
    .command('config')
    .description('list every setting with its value, its source and its meaning; secrets are hidden')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }, command: Command) => {
      const listing = configOf(command).list();
      if (options.json) {
        console.log(JSON.stringify(listing, null, 2));
        return;
      }
      const width = (key: 'name' | 'source') => Math.max(...listing.map((setting) => setting[key].length));
      for (const { name, value, source, description } of listing) {
        console.log(
          `${name.padEnd(width('name'))}  ${source.padEnd(width('source'))}  ${value ?? '(unset)'}`,
        );
        console.log(`${' '.repeat(width('name'))}  ${description}`);
      }
    });
}
