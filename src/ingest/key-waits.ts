import { Problem, unavailable } from '../domain/problem.js';
import { ingestKeyWaits } from '../observability/catalogue/ingest.js';
import type { CounterHandle, Metrics } from '../observability/metrics.js';

/** Longest wait of one request; then it is told to come back. */
const maxWaitMs = 10_000;
/** Requests of this process that may wait at once. */
const maxWaiting = 100;
/** Between two looks: soon at first, then more and more rarely. */
const lookMs = { first: 10, max: 200 };

/**
 * Requests whose key another attempt holds, in this process or in another one. They wait for what becomes of it: so many
 * at once, so long each, all counted.
 */
export class KeyWaits {
  private waiting = 0;
  private readonly outcomes: Readonly<Record<'decided' | 'timeout' | 'too_many', CounterHandle>>;

  constructor(
    metrics: Metrics,
    private readonly isStopping: () => boolean,
  ) {
    const outcome = (name: 'decided' | 'timeout' | 'too_many') =>
      metrics.counter(ingestKeyWaits, { outcome: name });
    this.outcomes = {
      decided: outcome('decided'),
      timeout: outcome('timeout'),
      too_many: outcome('too_many'),
    };
  }

  /** For one request. @returns a wait, to be called as often as it is needed: the bound holds for all of them together */
  begin(): (isDecided: () => boolean | Promise<boolean>) => Promise<void> {
    const deadline = performance.now() + maxWaitMs;
    return (isDecided) => this.wait(isDecided, deadline);
  }

  /** @throws Problem 409 when the wait would be too long or one too many, 503 when the server stops */
  private async wait(isDecided: () => boolean | Promise<boolean>, deadline: number): Promise<void> {
    if (this.waiting >= maxWaiting) {
      this.outcomes.too_many.inc();
      throw inUse();
    }
    this.waiting++;
    try {
      for (let pause = lookMs.first; !(await isDecided()); pause = Math.min(pause * 1.5, lookMs.max)) {
        if (this.isStopping()) throw unavailable('STOPPING', 'The server is stopping.', 2);
        if (performance.now() + pause > deadline) {
          this.outcomes.timeout.inc();
          throw inUse();
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      this.outcomes.decided.inc();
    } finally {
      this.waiting--;
    }
  }
}

const inUse = (): Problem =>
  new Problem(409, 'IDEMPOTENCY_KEY_IN_USE', 'A request with this Idempotency-Key is under way.', {
    retryAfterSeconds: 1,
  });
