import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';

const script = fileURLToPath(new URL('../../../scripts/bench.mjs', import.meta.url));

export function register(program: Command): void {
  program
    .command('bench')
    .description('run a benchmark, or all of them; --list names them')
    .argument('[args...]', 'name of the benchmark and its options')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (args: readonly string[]) => {
      const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
      process.exitCode = await new Promise<number>((resolve) => {
        child.once('exit', (code) => resolve(code ?? 1));
      });
    });
}
