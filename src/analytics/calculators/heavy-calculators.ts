import type { Piscina } from 'piscina';
import { backgroundThread } from '../../threads/background-thread.js';
import {
  type CalculatorInput,
  type CalculatorResult,
  checkedResult,
  type HeavyCalculator,
} from './calculator.js';

/** A heavy calculator that needs more heap, or leaks it, ends its thread and not the process, MB. */
const threadMemoryMb = 256;

/**
 * Heavy calculators, each on a thread of its own: whatever ends a thread, also what an earlier run left behind there (a
 * timer, a promise, memory), is the failure of the one that lives on it.
 */
export class HeavyCalculators {
  private readonly threads = new Map<string, Piscina>();

  /** @param onStray a thread ended although no run was under way; the next run gets a new one */
  constructor(private readonly onStray: (calculator: string, error: unknown) => void) {}

  /** @throws what the calculator throws, an abort error, or TypeError for what is no result */
  async run(
    { name, module }: HeavyCalculator,
    input: CalculatorInput,
    signal: AbortSignal,
  ): Promise<CalculatorResult> {
    return checkedResult(await this.thread(name).run({ module, input }, { signal }));
  }

  /** Ends the thread with everything that was left behind on it. */
  async end(name: string): Promise<void> {
    const thread = this.threads.get(name);
    this.threads.delete(name);
    await thread?.destroy();
  }

  async close(): Promise<void> {
    await Promise.all([...this.threads.keys()].map((name) => this.end(name)));
  }

  private thread(name: string): Piscina {
    const known = this.threads.get(name);
    if (known) return known;
    const thread = backgroundThread('./calculator-worker', import.meta.url, {
      resourceLimits: { maxOldGenerationSizeMb: threadMemoryMb },
    }).on('error', (error) => this.onStray(name, error));
    this.threads.set(name, thread);
    return thread;
  }
}
