import type { Piscina } from 'piscina';
import { backgroundThread } from '../../threads/background-thread.js';
import type { CalculatorInput, CalculatorResult, HeavyCalculator } from './calculator.js';
import type { Answer } from './calculator-worker.js';
import { errorMessage } from './error-message.js';

/** A heavy calculator that needs more heap, or leaks it, ends its thread and not the process, MB. */
const threadMemoryMb = 256;

/** A calculator's thread came to its end during a run, or after it, by what a run had left behind. */
export class ThreadEnded extends Error {
  constructor(cause: unknown) {
    super(`ended its thread: ${errorMessage(cause)}`, { cause });
  }
}

/**
 * Heavy calculators, each on a thread of its own: whatever ends a thread, also what an earlier run left behind there (a
 * timer, a promise, memory), is the failure of the one that lives on it.
 */
export class HeavyCalculators {
  private readonly threads = new Map<string, Piscina>();

  /** @param onStray a thread ended although no run was under way; the next run gets a new one */
  constructor(private readonly onStray: (calculator: string, ended: ThreadEnded) => void) {}

  /** @throws {@link ThreadEnded}, also when it was ended by the signal, or an error with what the calculator threw */
  async run(
    { name, module }: HeavyCalculator,
    input: CalculatorInput,
    signal: AbortSignal,
  ): Promise<CalculatorResult> {
    let answer: Answer;
    try {
      answer = (await this.thread(name).run({ module, input }, { signal })) as Answer;
    } catch (error) {
      throw new ThreadEnded(error);
    }
    if ('failure' in answer) throw new Error(answer.failure);
    return answer.result;
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
    }).on('error', (error) => this.onStray(name, new ThreadEnded(error)));
    this.threads.set(name, thread);
    return thread;
  }
}
