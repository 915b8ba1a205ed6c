import 'reflect-metadata';
import { readdirSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { oneLine } from '../startup-error.js';
import type { CliCommand } from './command.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('tidewatch')
  .description('Real-time portfolio analytics and risk server that watches itself')
  .version(version)
  .option('--config <file>', 'settings as NAME=value lines; the environment wins over it')
  .showHelpAfterError('(--help shows what there is)');

// Every *.command.js beside this file: a new command edits nothing else.
for (const file of readdirSync(import.meta.dirname).sort()) {
  if (!file.endsWith('.command.js')) continue;
  const { register } = (await import(`./${file}`)) as CliCommand;
  register(program);
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`tidewatch: ${oneLine(error)}\n`);
  process.exitCode = 1;
}
