import type { Command } from 'commander';
import { Config } from '../config/config.js';

/** What a `<name>.command.ts` in this folder exports. Heavy imports belong into the action: `--help` loads every command. */
export interface CliCommand {
  register(program: Command): void;
}

/** The settings for a command: environment and the file of `--config`. */
export function configOf(command: Command): Config {
  const { config } = command.optsWithGlobals<{ config?: string }>();
  return Config.ofProcess(config);
}
