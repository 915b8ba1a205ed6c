import type { CostBudget } from './collector.js';

export type Cost = { -readonly [K in keyof CostBudget]: number };
const costKeys = [
  'dbMs',
  'redisCommands',
  'eventLoopMs',
  'samples',
] as const satisfies readonly (keyof Cost)[];

export const noCost = (): Cost => ({ dbMs: 0, redisCommands: 0, eventLoopMs: 0, samples: 0 });

/** A run may go over its budget (it is then spaced out); this many times over, its clients refuse to go on. */
const hardLimitFactor = 10;

/** What one run of one collector costs. */
export class CostMeter {
  readonly cost: Cost = noCost();
  private timing = false;

  constructor(private readonly budget: CostBudget) {}

  /** Times a synchronous piece of the collector's code. */
  run<T>(piece: () => T): T {
    this.timeUntilIdle();
    return piece();
  }

  /**
   * Hands a client's answer to the collector and charges it for what it does with it: from here until the microtask
   * queue is empty it is the collector's code that holds the event loop.
   */
  async charge<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } finally {
      this.timeUntilIdle();
    }
  }

  /** @throws Error when a client was used far beyond the budget */
  refuseRunaway(): void {
    for (const key of ['dbMs', 'redisCommands'] as const) {
      if (this.cost[key] > this.budget[key] * hardLimitFactor) {
        throw new BudgetExceeded(
          `${key} ${Math.round(this.cost[key])} is ${hardLimitFactor} times the budget`,
        );
      }
    }
  }

  /** The budgets that this run went over. */
  get exceeded(): readonly (keyof Cost)[] {
    return costKeys.filter((key) => this.cost[key] > this.budget[key]);
  }

  private timeUntilIdle(): void {
    if (this.timing) return;
    this.timing = true;
    const start = performance.now();
    // Ticks scheduled from a microtask run once all microtasks have.
    process.nextTick(() => {
      this.timing = false;
      this.cost.eventLoopMs += performance.now() - start;
    });
  }
}

export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';
}
