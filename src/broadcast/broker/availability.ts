import type { BrokerState } from './broker.js';

/** How long to wait before another attempt to come back, ms. */
const restMs = 500;

/** What is done when the other side goes away, and on the way back. */
export interface AvailabilitySteps {
  /** Whether there is a connection at all. */
  isConnected(): boolean;
  /** Rejects when it does not answer. */
  probe(): Promise<void>;
  /** Brings together what was published here and there. What is published meanwhile waits for the other side again. */
  catchUp(): Promise<void>;
  /** Both sides agree, in this very moment. */
  agreed(): void;
  /** What waits for the other side waits in vain. */
  gone(): void;
}

/** Told of what operators want to know. */
export interface AvailabilityEvents {
  degraded(reason: string): void;
  /** Not of the first time. */
  recovered(awayMs: number): void;
}

/**
 * Whether the place where processes meet is there. An attempt to come back that is overtaken by the next loss ends
 * without an effect.
 */
export class Availability {
  state: BrokerState = 'degraded';
  /** Counts attempts, so that one that was overtaken can tell. */
  private attempt = 0;
  private recovery: 'none' | 'asking' | 'under way' = 'none';
  private resting: NodeJS.Timeout | null = null;
  private wasUp = false;
  private awaySinceMs = 0;
  private stopped = false;

  constructor(
    private readonly steps: AvailabilitySteps,
    private readonly events: AvailabilityEvents,
    private readonly nowMs: () => number,
  ) {}

  /** Nothing waits for the other side. While it is caught up with, messages go to it again. */
  get isAlone(): boolean {
    return this.state === 'degraded' && this.recovery !== 'under way';
  }

  start(): void {
    this.awaySinceMs = this.nowMs();
  }

  stop(): void {
    this.stopped = true;
    if (this.resting !== null) clearTimeout(this.resting);
  }

  /** It does not answer, or answers with an error. */
  lost(error: unknown): void {
    this.attempt++;
    this.recovery = 'none';
    if (this.stopped) return;
    if (this.state === 'ok') {
      this.state = 'degraded';
      this.awaySinceMs = this.nowMs();
      this.events.degraded(error instanceof Error ? error.message : String(error));
    }
    this.steps.gone();
    // One that answers with an error does not make the connection go down and up.
    this.resting ??= setTimeout(() => {
      this.resting = null;
      void this.recover();
    }, restMs).unref();
  }

  /** It may be there again. */
  async recover(): Promise<void> {
    if (this.recovery !== 'none' || this.stopped || this.state === 'ok' || !this.steps.isConnected()) return;
    this.recovery = 'asking';
    const attempt = ++this.attempt;
    try {
      await this.steps.probe();
      if (attempt !== this.attempt) return;
      // From here on messages wait for it again: what clients here have already is a fixed set.
      this.recovery = 'under way';
      await this.steps.catchUp();
    } catch (error) {
      if (attempt === this.attempt) this.lost(error);
      return;
    }
    if (attempt !== this.attempt) return;
    this.recovery = 'none';
    this.state = 'ok';
    this.steps.agreed();
    if (this.wasUp) this.events.recovered(this.nowMs() - this.awaySinceMs);
    this.wasUp = true;
  }
}
