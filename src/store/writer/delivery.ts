import type { FailureClass } from './sqlstate.js';

/** How the next attempt goes about it. */
export type Approach =
  /** All rows in one round trip. */
  | 'whole'
  /** The database refuses a row: find it, store the others. */
  | 'bisect'
  /** The senders were told to repeat: only find out whether an earlier attempt had committed. */
  | 'verify';

export interface Verdict {
  /** What the senders are told now: the error, as a defect of ours or as theirs, or that the database is away. */
  readonly tell: 'defect' | 'conflict' | 'unavailable' | null;
  readonly next: 'repeat' | 'repeat later' | 'give up';
}

const backoffMs = { first: 50, max: 1_000 };
/** So often a partition may still be missing right after it was made. */
const partitionAttempts = 3;

/**
 * The attempts at storing one batch: what has happened so far, and what follows from the next failure.
 *
 * | failure                                     | senders are told | next                      |
 * |---------------------------------------------|------------------|---------------------------|
 * | `fatal`                                     | defect           | give up                   |
 * | `conflict`                                  | conflict         | give up                   |
 * | `partition`                                 |                  | repeat, partitions made   |
 * | `partition` for the fourth time             | defect           | give up                   |
 * | `data`                                      |                  | repeat, bisecting         |
 * | `data` while bisecting                      | defect           | give up                   |
 * | `retry`                                     |                  | repeat later              |
 * | `retry`, overdue, certainly not committed   | unavailable      | give up                   |
 * | `retry`, overdue, perhaps committed         | unavailable      | verify later ¹            |
 * | `retry`, `partition`, `data` when verifying |                  | verify later ¹            |
 *
 * ¹ give up when the server stops
 */
export class Delivery {
  private how: Approach = 'whole';
  private failures = 0;
  private partitionFailures = 0;
  private inDoubt = false;

  get approach(): Approach {
    return this.how;
  }

  /** The database has said that a partition is missing, whatever the cache of partitions believes. */
  get partitionMissing(): boolean {
    return this.partitionFailures > 0;
  }

  /** With jitter, so that writers that failed together do not come back together. */
  get pauseMs(): number {
    const ms = Math.min(backoffMs.max, backoffMs.first * 2 ** (this.failures - 1));
    return ms * (0.5 + Math.random());
  }

  /** An attempt ended without an answer: it may have committed. */
  lostAnswer(): void {
    this.inDoubt = true;
  }

  /** @param at `overdue`: the senders have waited for as long as they may; `stopping`: the server ends */
  failed(failure: FailureClass, at: { readonly overdue: boolean; readonly stopping: boolean }): Verdict {
    this.failures++;
    if (failure === 'fatal') return { tell: 'defect', next: 'give up' };
    if (failure === 'conflict') return { tell: 'conflict', next: 'give up' };
    if (this.how === 'verify') return { tell: null, next: at.stopping ? 'give up' : 'repeat later' };
    if (failure === 'partition') return this.partitionWasMissing();
    if (failure === 'data') return this.rowWasRefused();
    if (!at.overdue) return { tell: null, next: 'repeat later' };
    if (!this.inDoubt) return { tell: 'unavailable', next: 'give up' };
    // The senders know that they have to repeat; whether to announce the rows is still to be found out.
    this.how = 'verify';
    return { tell: 'unavailable', next: at.stopping ? 'give up' : 'repeat later' };
  }

  private partitionWasMissing(): Verdict {
    this.partitionFailures++;
    return this.partitionFailures > partitionAttempts
      ? { tell: 'defect', next: 'give up' }
      : { tell: null, next: 'repeat' };
  }

  private rowWasRefused(): Verdict {
    // Bisecting puts refused rows aside: what is refused now is none of them, and would be refused for ever.
    if (this.how === 'bisect') return { tell: 'defect', next: 'give up' };
    this.how = 'bisect';
    return { tell: null, next: 'repeat' };
  }
}
