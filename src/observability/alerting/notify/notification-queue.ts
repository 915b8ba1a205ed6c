import { setTimeout as sleep } from 'node:timers/promises';
import type { Notice, Notifier } from './notifier.js';
import { Refused } from './notifier.js';

/** How a notification ended. `retried` counts attempts that failed and were repeated. */
const outcomes = ['sent', 'retried', 'failed', 'dropped'] as const;
export type Outcome = (typeof outcomes)[number];

export interface QueueHooks {
  /** For counters: `count` notices had this outcome. */
  readonly counted: (outcome: Outcome, count: number) => void;
  /** For the alert's history. */
  readonly delivered: (notices: readonly Notice[]) => void;
  readonly failed: (notices: readonly Notice[], reason: string) => void;
}

/** Waits between attempts, ms. After the last one the notices are given up, and that is counted and alerted on. */
const retryWaitsMs: readonly number[] = [1_000, 5_000, 25_000];
const attemptTimeoutMs = 5_000;
const maxQueued = 1_000;
const maxPerSend = 100;

/** Notices on their way to one notifier: in order, bounded, retried a bounded number of times. */
export class NotificationQueue {
  private readonly waiting: Notice[] = [];
  private readonly stop = new AbortController();
  private running: Promise<void> | null = null;

  constructor(
    private readonly notifier: Notifier,
    private readonly hooks: QueueHooks,
    private readonly waitsMs: readonly number[] = retryWaitsMs,
  ) {}

  push(notice: Notice): void {
    if (this.stop.signal.aborted) return;
    if (this.waiting.length >= maxQueued) {
      // The oldest is the one that is least true by now.
      this.waiting.shift();
      this.hooks.counted('dropped', 1);
    }
    this.waiting.push(notice);
    this.running ??= this.drain().finally(() => {
      this.running = null;
    });
  }

  /** Resolves when everything that was pushed has ended one way or the other. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  /** Gives up what waits, for another attempt or for its first. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.idle();
    this.giveUp(this.waiting.splice(0), 'the server stopped');
  }

  private giveUp(notices: readonly Notice[], reason: string): void {
    if (notices.length === 0) return;
    this.hooks.counted('failed', notices.length);
    this.hooks.failed(notices, reason);
  }

  private async drain(): Promise<void> {
    // One turn later, so that notices of the same evaluation go out together.
    await Promise.resolve();
    while (this.waiting.length > 0 && !this.stop.signal.aborted) {
      const notices = this.waiting.splice(0, maxPerSend);
      const reason = await this.attempt(notices);
      if (reason === null) {
        this.hooks.counted('sent', notices.length);
        this.hooks.delivered(notices);
      } else {
        this.giveUp(notices, reason);
      }
    }
  }

  /** @returns why it was given up; `null` when it was accepted */
  private async attempt(notices: readonly Notice[]): Promise<string | null> {
    for (let tried = 0; ; tried++) {
      try {
        const signal = AbortSignal.any([AbortSignal.timeout(attemptTimeoutMs), this.stop.signal]);
        await this.notifier.send(notices, signal);
        return null;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const wait = this.waitsMs[tried];
        if (wait === undefined || error instanceof Refused || this.stop.signal.aborted) return reason;
        this.hooks.counted('retried', notices.length);
        await sleep(wait, undefined, { signal: this.stop.signal }).catch(() => {
          // Closing ends the wait early; the loop sees it and gives up.
        });
      }
    }
  }
}
