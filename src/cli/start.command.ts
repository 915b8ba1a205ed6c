import type { Command } from 'commander';
import { configOf } from './command.js';

export function register(program: Command): void {
  program
    .command('start')
    .description('run the server')
    .action(async (_options: unknown, command: Command) => {
      const config = configOf(command);
      const { serve } = await import('../server.js');
      await serve(config).catch((error: unknown) => {
        // What has been started is stopped; timers of libraries must not keep the process.
        setImmediate(() => process.exit(1));
        throw error;
      });
    });
}
